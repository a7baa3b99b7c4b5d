package interop;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Base64;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What stands behind every service here: writes down what arrived, answers as the username asks for.
 *
 * <p>null, empty, fail, fault: these results, of every operation. big: a reply of 5 MB. reports: 100,000 delivery
 * reports. echo: the replies are a failure whose text is what was last sent, in brackets. Any other: an ordinary answer.
 */
public final class Gateway {
    private static final String HEAD = "<?xml version=\"1.0\" encoding=\"utf-8\"?>";
    private static final AtomicInteger BATCH = new AtomicInteger(337017332);
    private static volatile String last = "";

    private Gateway() {}

    public static String send(Object... arguments) {
        record("sendSms", arguments);
        last = (String) arguments[3];
        return answer((String) arguments[0], "success;" + BATCH.getAndIncrement());
    }

    public static String balance(String username, String password) {
        record("getRestMoney", username, password);
        return answer(username, "memberSmsNum=684;gateSmsNum=49919;kaSmsNum=49964");
    }

    public static String reports(String username, String password) {
        record("getSmsReport", username, password);
        int count = "reports".equals(username) ? 100_000 : 2;
        StringBuilder document = new StringBuilder(HEAD).append("<smsreport>");
        for (int number = 0; number < count; number++) {
            document.append("<psreport><mobile>").append(13800000000L + number).append("</mobile><username>")
                    .append(username).append("</username><smslogid>337017332</smslogid><status>").append(number % 3)
                    .append("</status><sendtime>2012-08-16 01:05:39.0</sendtime></psreport>");
        }
        return answer(username, document.append("</smsreport>").toString());
    }

    public static String replies(String username, String password) {
        record("getRecvSMS", username, password);
        if ("echo".equals(username)) {
            return "failure;[" + last + "]";
        }
        String text = "big".equals(username) ? "五".repeat(1_875_000) : "你谁啊?";
        return answer(username, HEAD + "<smsrerecv><psrerecv><mobile>13800000000</mobile><receiver>" + username
                + "</receiver><content>" + Base64.getEncoder().encodeToString(text.getBytes(Charset.forName("GBK")))
                + "</content><sendtime>2012-08-16 01:05:39.0</sendtime></psrerecv></smsrerecv>");
    }

    private static String answer(String username, String usual) {
        switch (username) {
            case "null":
                return null;
            case "empty":
                return "";
            case "fail":
                return "failure;余额不足";
            case "fault":
                throw new IllegalStateException("the database is gone");
            default:
                return usual;
        }
    }

    /** One line a call: the operation and its arguments, each the BASE64 of its UTF-8, {@code -} for null. */
    private static synchronized void record(String operation, Object... arguments) {
        StringBuilder line = new StringBuilder(operation);
        for (Object argument : arguments) {
            line.append('\t').append(argument == null ? "-" : Base64.getEncoder()
                    .encodeToString(argument.toString().getBytes(StandardCharsets.UTF_8)));
        }
        String file = System.getenv("INTEROP_RECORD");
        if (file == null) {
            return;
        }
        try {
            Files.writeString(Path.of(file), line.append('\n'), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    /**
     * Says what the server is and where, and ends the process when whoever started it is gone.
     *
     * @param stack a class of the stack: the version is that of the archive that it came in
     */
    public static void untilInputEnds(Class<?> stack, int port) throws IOException {
        String archive = stack.getProtectionDomain().getCodeSource().getLocation().getPath();
        System.out.println("version " + archive.replaceAll(".*-([0-9][^/]*)\\.jar", "$1"));
        System.out.println("port " + port);
        while (System.in.read() >= 0) {}
        Runtime.getRuntime().halt(0);
    }
}
