package interop;

import javax.servlet.ServletConfig;
import org.apache.cxf.Bus;
import org.apache.cxf.jaxws.EndpointImpl;
import org.apache.cxf.transport.servlet.CXFNonSpringServlet;

/** CXF's JAX-WS, its servlet in Jetty. */
public final class Main {
    public static void main(String[] arguments) throws Exception {
        Web web = new Web();
        web.add("/six", new Service(new com.sms.service.six.UserApi()));
        web.add("/seven", new Service(new com.sms.service.seven.UserApi()));
        web.add("/named", new Service(new com.sms.service.named.UserApiService()));
        web.add("/soap12", new Service(new com.sms.service.soap12.UserApi()));
        web.run(Bus.class);
    }

    /** A servlet with one service in it. */
    private static final class Service extends CXFNonSpringServlet {
        private static final long serialVersionUID = 1;
        private final transient Object implementation;

        Service(Object implementation) {
            this.implementation = implementation;
        }

        @Override
        public void loadBus(ServletConfig configuration) {
            super.loadBus(configuration);
            new EndpointImpl(getBus(), implementation).publish("/userApi");
        }
    }
}
