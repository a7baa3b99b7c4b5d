package com.sms.service.named;

import interop.Gateway;
import javax.jws.WebService;

/** What implements {@link UserApi}; in another namespace, so that the definition is split over wsdl:import. */
@WebService(
        endpointInterface = "com.sms.service.named.UserApi",
        serviceName = "userApi",
        targetNamespace = "http://impl.service.sms.com/")
public class UserApiService implements UserApi {
    public String sendSms(
            String username,
            String password,
            int smstype,
            String content,
            String mobile,
            int isLongSms,
            String extenno) {
        return Gateway.send(username, password, smstype, content, mobile, isLongSms, extenno);
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
