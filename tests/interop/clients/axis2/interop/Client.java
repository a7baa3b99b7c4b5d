package interop;

import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** A client with the stub that Axis2's wsdl2java made: interop.Client USERNAME PASSWORD VERSION. */
public final class Client {
    public static void main(String[] arguments) throws Exception {
        String username = arguments[0];
        String password = arguments[1];
        show("version", arguments[2]);
        UserApiStub stub = new UserApiStub();

        UserApiStub.SendSms send = new UserApiStub.SendSms();
        send.setUsername(username);
        send.setPassword(password);
        send.setSmstype(1);
        send.setContent(new String(Base64.getDecoder().decode(System.getenv("INTEROP_TEXT")), StandardCharsets.UTF_8));
        send.setMobile("13800000000");
        send.setIsLongSms(0);
        String extension = System.getenv("INTEROP_EXTENSION");
        if (extension != null) {
            // Not every definition has it, and so not every stub.
            send.getClass().getMethod("setExtenno", String.class).invoke(send, extension);
        }
        show("sendSms", stub.sendSms(send).get_return());

        UserApiStub.GetRestMoney balance = new UserApiStub.GetRestMoney();
        balance.setUsername(username);
        balance.setPassword(password);
        show("getRestMoney", stub.getRestMoney(balance).get_return());

        UserApiStub.GetSmsReport reports = new UserApiStub.GetSmsReport();
        reports.setUsername(username);
        reports.setPassword(password);
        show("getSmsReport", stub.getSmsReport(reports).get_return());

        UserApiStub.GetRecvSMS replies = new UserApiStub.GetRecvSMS();
        replies.setUsername(username);
        replies.setPassword(password);
        show("getRecvSMS", stub.getRecvSMS(replies).get_return());
    }

    private static void show(String operation, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        System.out.println(operation + "\t" + Base64.getEncoder().encodeToString(bytes));
    }
}
