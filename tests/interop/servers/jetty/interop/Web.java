package interop;

import java.net.InetSocketAddress;
import javax.servlet.Servlet;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.ContextHandlerCollection;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;
import org.eclipse.jetty.util.log.Log;
import org.eclipse.jetty.util.log.StdErrLog;

/** Jetty on a port of loopback that the system chooses. */
public final class Web {
    private final Server server;
    private final ContextHandlerCollection contexts = new ContextHandlerCollection();

    public Web() throws Exception {
        Log.setLog(new StdErrLog());
        server = new Server(new InetSocketAddress("127.0.0.1", 0));
        server.setHandler(contexts);
    }

    /** The service without names; not by a literal, or the compiler would compile it again, with debug information. */
    public static Class<?> nodebug() throws ClassNotFoundException {
        return Class.forName("com.sms.service.nodebug.UserApi");
    }

    /** A web application whose one servlet gets all that is below {@code /services}. */
    public ServletContextHandler add(String path, Servlet servlet) {
        ServletContextHandler context = new ServletContextHandler(contexts, path);
        context.addServlet(new ServletHolder(servlet), "/services/*");
        return context;
    }

    public void run(Class<?> stack) throws Exception {
        server.start();
        Gateway.untilInputEnds(stack, ((ServerConnector) server.getConnectors()[0]).getLocalPort());
    }
}
