package interop;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import org.apache.axis2.context.ConfigurationContext;
import org.apache.axis2.context.ConfigurationContextFactory;
import org.apache.axis2.deployment.DeploymentEngine;
import org.apache.axis2.description.AxisService;
import org.apache.axis2.transport.http.AxisServlet;

/** Axis2, its servlet in Jetty. */
public final class Main {
    /** What deployments have in their services.xml; a service made without one has unqualified arguments. */
    private static final String DESCRIPTION =
            "<service name='userApi'><parameter name='ServiceClass'>%s</parameter><messageReceivers>"
                    + "<messageReceiver mep='http://www.w3.org/ns/wsdl/in-out'"
                    + " class='org.apache.axis2.rpc.receivers.RPCMessageReceiver'/></messageReceivers></service>";

    public static void main(String[] arguments) throws Exception {
        Web web = new Web();
        add(web, "/six", com.sms.service.pojo.UserApi.class);
        add(web, "/seven", com.sms.service.pojo7.UserApi.class);
        add(web, "/nodebug", Web.nodebug());
        web.run(AxisService.class);
    }

    private static void add(Web web, String path, Class<?> implementation) throws Exception {
        ConfigurationContext context = ConfigurationContextFactory.createConfigurationContextFromFileSystem(null, null);
        byte[] description = String.format(DESCRIPTION, implementation.getName()).getBytes(StandardCharsets.UTF_8);
        AxisService service = DeploymentEngine.buildService(new ByteArrayInputStream(description), context);
        context.getAxisConfiguration().addService(service);
        web.add(path, new AxisServlet()).setAttribute(AxisServlet.CONFIGURATION_CONTEXT, context);
    }
}
