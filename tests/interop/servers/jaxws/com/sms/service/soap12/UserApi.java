package com.sms.service.soap12;

import interop.Gateway;
import javax.jws.WebService;
import javax.xml.ws.BindingType;
import javax.xml.ws.soap.SOAPBinding;

/** The documented operations, in SOAP 1.2 only. */
@WebService(serviceName = "userApi")
@BindingType(SOAPBinding.SOAP12HTTP_BINDING)
public class UserApi {
    public String sendSms(
            String username, String password, int smstype, String content, String mobile, int isLongSms) {
        return Gateway.send(username, password, smstype, content, mobile, isLongSms);
    }

    public String getRestMoney(String username, String password) {
        return Gateway.balance(username, password);
    }

    public String getSmsReport(String username, String password) {
        return Gateway.reports(username, password);
    }

    public String getRecvSMS(String username, String password) {
        return Gateway.replies(username, password);
    }
}
