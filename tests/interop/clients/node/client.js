// node-soap: node client.js WSDL USERNAME PASSWORD SOAP-VERSION
const soap = require('soap');

const [wsdl, username, password, version] = process.argv.slice(2);
const text = Buffer.from(process.env.INTEROP_TEXT, 'base64').toString('utf8');

async function main() {
  const client = await soap.createClientAsync(wsdl, { forceSoap12Headers: version === '1.2' });
  const message = { smstype: 1, content: text, mobile: '13800000000', isLongSms: 0 };
  if (process.env.INTEROP_EXTENSION) message.extenno = process.env.INTEROP_EXTENSION;
  const account = { username, password };
  for (const [operation, more] of [['sendSms', message], ['getRestMoney'], ['getSmsReport'], ['getRecvSMS']]) {
    const [answer] = await client[`${operation}Async`]({ ...account, ...more });
    console.log(`${operation}\t${Buffer.from(answer.return, 'utf8').toString('base64')}`);
  }
}

console.log(`version\t${Buffer.from(require('soap/package.json').version).toString('base64')}`);
main().catch((error) => { console.error(error); process.exit(1); });
