package com.sms.service.pojo;

import interop.Gateway;

/** The operations as the vendor's page documents them. */
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
