// node-soap: node send.js WSDL URL COUNT
const soap = require("soap");
const [wsdl, url, count] = process.argv.slice(2);
(async () => {
  const client = await soap.createClientAsync(wsdl, { endpoint: `${url}/services/userApi`, forever: true });
  const call = { arg0: "account", arg1: "cGFzc3dvcmQ=", arg2: 1, arg3: "【签名】您的验证码是 1234", arg4: "13800000001", arg5: 0 };
  for (let number = 0; number < Number(count); number++) {
    const [result] = await client.sendSmsAsync(call);
    if (!JSON.stringify(result).includes("success")) throw new Error(JSON.stringify(result));
  }
  process.exit(0);
})();
