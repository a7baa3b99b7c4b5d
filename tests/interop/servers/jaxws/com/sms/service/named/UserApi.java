package com.sms.service.named;

import javax.jws.WebParam;
import javax.jws.WebService;

/** The operations with their arguments named. */
@WebService(targetNamespace = "http://service.sms.com/")
public interface UserApi {
    String sendSms(
            @WebParam(name = "username") String username,
            @WebParam(name = "password") String password,
            @WebParam(name = "smstype") int smstype,
            @WebParam(name = "content") String content,
            @WebParam(name = "mobile") String mobile,
            @WebParam(name = "isLongSms") int isLongSms,
            @WebParam(name = "extenno") String extenno);

    String getRestMoney(@WebParam(name = "username") String username, @WebParam(name = "password") String password);

    String getSmsReport(@WebParam(name = "username") String username, @WebParam(name = "password") String password);

    String getRecvSMS(@WebParam(name = "username") String username, @WebParam(name = "password") String password);
}
