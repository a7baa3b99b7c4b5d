package interop;

import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.axis.transport.http.AxisServlet;

/** Axis 1.4, its servlet in Jetty, in two of its styles. */
public final class Main {
    private static final String CONFIGURATION =
            "<deployment xmlns='http://xml.apache.org/axis/wsdd/' xmlns:java='http://xml.apache.org/axis/wsdd/providers/java'>"
                    + "<handler name='URLMapper' type='java:org.apache.axis.handlers.http.URLMapper'/>"
                    + "<service name='userApi' provider='java:RPC' style='%s' use='%s'>"
                    + "<parameter name='className' value='%s'/><parameter name='allowedMethods' value='*'/></service>"
                    + "<transport name='http'><requestFlow><handler type='URLMapper'/></requestFlow></transport>"
                    + "</deployment>";

    public static void main(String[] arguments) throws Exception {
        Web web = new Web();
        add(web, "/six", "wrapped", "literal", com.sms.service.pojo.UserApi.class);
        add(web, "/seven", "wrapped", "literal", com.sms.service.pojo7.UserApi.class);
        add(web, "/nodebug", "wrapped", "literal", Web.nodebug());
        add(web, "/rpc", "rpc", "encoded", com.sms.service.pojo.UserApi.class);
        add(web, "/rpc-seven", "rpc", "encoded", com.sms.service.pojo7.UserApi.class);
        web.run(AxisServlet.class);
    }

    private static void add(Web web, String path, String style, String use, Class<?> implementation) throws Exception {
        Path folder = Files.createTempDirectory("axis");
        Path file = Files.createDirectory(folder.resolve("WEB-INF")).resolve("server-config.wsdd");
        Files.writeString(file, String.format(CONFIGURATION, style, use, implementation.getName()));
        file.toFile().deleteOnExit();
        web.add(path, new AxisServlet()).setResourceBase(folder.toString());
    }
}
