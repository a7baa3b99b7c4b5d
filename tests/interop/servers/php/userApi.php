<?php
/*
 * PHP's SoapServer, rpc/encoded: php -d display_errors=0 -S 127.0.0.1:PORT userApi.php
 *
 * What stands behind it is that of common/interop/Gateway.java, whose comments say what usernames are for.
 */

const HEAD = '<?xml version="1.0" encoding="utf-8"?>';

/** The definition. PHP makes none by itself: one is written by hand for every service. */
function definition(string $address, array $send): string
{
    $arguments = [
        'sendSms' => $send,
        'getRestMoney' => ['username', 'password'],
        'getSmsReport' => ['username', 'password'],
        'getRecvSMS' => ['username', 'password'],
    ];
    $body = '<soap:body use="encoded" namespace="http://service.sms.com/"'
        . ' encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"/>';
    $messages = $operations = $bindings = '';
    foreach ($arguments as $name => $parts) {
        $messages .= "<message name=\"{$name}Request\">";
        foreach ($parts as $part) {
            $type = in_array($part, ['smstype', 'isLongSms']) ? 'int' : 'string';
            $messages .= "<part name=\"$part\" type=\"xsd:$type\"/>";
        }
        $messages .= "</message><message name=\"{$name}Response\"><part name=\"return\" type=\"xsd:string\"/></message>\n";
        $operations .= "<operation name=\"$name\"><input message=\"tns:{$name}Request\"/>"
            . "<output message=\"tns:{$name}Response\"/></operation>\n";
        $bindings .= "<operation name=\"$name\"><soap:operation soapAction=\"http://service.sms.com/#$name\"/>"
            . "<input>$body</input><output>$body</output></operation>\n";
    }
    return <<<XML
        <?xml version="1.0" encoding="UTF-8"?>
        <definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
            xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:tns="http://service.sms.com/" name="userApi"
            targetNamespace="http://service.sms.com/">
        $messages
        <portType name="UserApi">
        $operations
        </portType>
        <binding name="userApiSoapBinding" type="tns:UserApi">
        <soap:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>
        $bindings
        </binding>
        <service name="userApi"><port binding="tns:userApiSoapBinding" name="UserApiPort">
        <soap:address location="$address"/></port></service>
        </definitions>
        XML;
}

/** One line a call: the operation and its arguments, each the BASE64 of its UTF-8, - for null. */
function record(string $operation, array $arguments): void
{
    $line = $operation;
    foreach ($arguments as $argument) {
        $line .= "\t" . ($argument === null ? '-' : base64_encode((string) $argument));
    }
    if (getenv('INTEROP_RECORD')) {
        file_put_contents(getenv('INTEROP_RECORD'), $line . "\n", FILE_APPEND);
    }
}

class UserApi
{
    public function sendSms(...$arguments): ?string
    {
        record('sendSms', $arguments);
        // No request knows of another: what was last sent is kept in a file.
        file_put_contents($this->last(), $arguments[3]);
        return $this->answer($arguments[0], 'success;337017332');
    }

    public function getRestMoney($username, $password): ?string
    {
        record('getRestMoney', [$username, $password]);
        return $this->answer($username, 'memberSmsNum=684;gateSmsNum=49919;kaSmsNum=49964');
    }

    public function getSmsReport($username, $password): ?string
    {
        record('getSmsReport', [$username, $password]);
        $document = HEAD . '<smsreport>';
        $count = $username === 'reports' ? 100000 : 2;
        for ($number = 0; $number < $count; $number++) {
            $document .= '<psreport><mobile>' . (13800000000 + $number) . "</mobile><username>$username</username>"
                . '<smslogid>337017332</smslogid><status>' . $number % 3 . '</status>'
                . '<sendtime>2012-08-16 01:05:39.0</sendtime></psreport>';
        }
        return $this->answer($username, $document . '</smsreport>');
    }

    public function getRecvSMS($username, $password): ?string
    {
        record('getRecvSMS', [$username, $password]);
        if ($username === 'echo') {
            return 'failure;[' . file_get_contents($this->last()) . ']';
        }
        // The GBK of the same texts as in Gateway.java.
        $text = $username === 'big' ? str_repeat("\xce\xe5", 1875000) : "\xc4\xe3\xcb\xad\xb0\xa1?";
        return $this->answer($username, HEAD . '<smsrerecv><psrerecv><mobile>13800000000</mobile>'
            . "<receiver>$username</receiver><content>" . base64_encode($text)
            . '</content><sendtime>2012-08-16 01:05:39.0</sendtime></psrerecv></smsrerecv>');
    }

    private function answer($username, string $usual): ?string
    {
        switch ($username) {
            case 'null':
                return null;
            case 'empty':
                return '';
            case 'fail':
                return 'failure;余额不足';
            case 'fault':
                throw new SoapFault('Server', 'the database is gone');
            default:
                return $usual;
        }
    }

    private function last(): string
    {
        return getenv('INTEROP_RECORD') . '.last';
    }
}

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (!in_array($path, ['/six/services/userApi', '/seven/services/userApi'])) {
    http_response_code(404);
    return;
}
$send = ['username', 'password', 'smstype', 'content', 'mobile', 'isLongSms'];
$wsdl = definition("http://{$_SERVER['HTTP_HOST']}$path", str_starts_with($path, '/seven') ? [...$send, 'extenno'] : $send);
if ($_SERVER['REQUEST_METHOD'] === 'GET') {
    header('Content-Type: text/xml; charset=utf-8');
    echo $wsdl;
    return;
}
$server = new SoapServer('data:text/xml;base64,' . base64_encode($wsdl), ['cache_wsdl' => WSDL_CACHE_NONE]);
$server->setClass(UserApi::class);
$server->handle();
