package com.sms.service.pojo7;

import interop.Gateway;

/** The operations, sendSms with the extension number. */
public class UserApi {
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
