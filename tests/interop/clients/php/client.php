<?php
// PHP's SoapClient: php client.php WSDL USERNAME PASSWORD SOAP-VERSION
[, $wsdl, $username, $password, $version] = $argv;
$client = new SoapClient($wsdl, [
    'soap_version' => $version === '1.2' ? SOAP_1_2 : SOAP_1_1,
    'cache_wsdl' => WSDL_CACHE_NONE,
]);
$account = ['username' => $username, 'password' => $password];
$message = [
    'smstype' => 1, 'content' => base64_decode(getenv('INTEROP_TEXT')), 'mobile' => '13800000000', 'isLongSms' => 0,
];
if (getenv('INTEROP_EXTENSION')) {
    $message['extenno'] = getenv('INTEROP_EXTENSION');
}
$calls = ['sendSms' => $account + $message, 'getRestMoney' => $account, 'getSmsReport' => $account, 'getRecvSMS' => $account];
echo "version\t", base64_encode(PHP_VERSION), "\n";
foreach ($calls as $operation => $arguments) {
    echo $operation, "\t", base64_encode($client->__soapCall($operation, [$arguments])->return), "\n";
}
