<?php
// PHP's SoapClient: php send.php WSDL URL COUNT
[, $wsdl, $url, $count] = $argv;
$client = new SoapClient($wsdl, ["location" => "$url/services/userApi", "keep_alive" => true]);
$call = ["arg0" => "account", "arg1" => "cGFzc3dvcmQ=", "arg2" => 1, "arg3" => "【签名】您的验证码是 1234", "arg4" => "13800000001", "arg5" => 0, "arg6" => ""];
for ($number = 0; $number < (int) $count; $number++) {
    $result = json_encode($client->sendSms($call));
    if (!str_contains($result, "success")) {
        throw new RuntimeException($result);
    }
}
