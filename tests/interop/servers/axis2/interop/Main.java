package interop;

import org.apache.axis2.context.ConfigurationContext;
import org.apache.axis2.context.ConfigurationContextFactory;
import org.apache.axis2.description.AxisService;
import org.apache.axis2.engine.AxisConfiguration;
import org.apache.axis2.transport.http.AxisServlet;

/** Axis2, its servlet in Jetty. */
public final class Main {
    public static void main(String[] arguments) throws Exception {
        Web web = new Web();
        add(web, "/six", com.sms.service.pojo.UserApi.class);
        add(web, "/seven", com.sms.service.pojo7.UserApi.class);
        add(web, "/nodebug", Web.nodebug());
        web.run(AxisService.class);
    }

    private static void add(Web web, String path, Class<?> implementation) throws Exception {
        ConfigurationContext context = ConfigurationContextFactory.createConfigurationContextFromFileSystem(null, null);
        AxisConfiguration configuration = context.getAxisConfiguration();
        AxisService service = AxisService.createService(implementation.getName(), configuration);
        service.setName("userApi");
        configuration.addService(service);
        web.add(path, new AxisServlet()).setAttribute(AxisServlet.CONFIGURATION_CONTEXT, context);
    }
}
