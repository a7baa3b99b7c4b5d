package interop;

import org.codehaus.xfire.DefaultXFire;
import org.codehaus.xfire.XFire;
import org.codehaus.xfire.service.binding.ObjectServiceFactory;
import org.codehaus.xfire.transport.http.XFireServlet;

/** XFire, its servlet in Jetty. */
public final class Main {
    public static void main(String[] arguments) throws Exception {
        Web web = new Web();
        web.add("/six", new Servlet(com.sms.service.pojo.UserApi.class));
        web.add("/seven", new Servlet(com.sms.service.pojo7.UserApi.class));
        web.add("/nodebug", new Servlet(Web.nodebug()));
        web.run(XFire.class);
    }

    /** A servlet with one service in it. */
    private static final class Servlet extends XFireServlet {
        private static final long serialVersionUID = 1;
        private final Class<?> implementation;

        Servlet(Class<?> implementation) {
            this.implementation = implementation;
        }

        @Override
        public XFire createXFire() {
            XFire xfire = new DefaultXFire();
            ObjectServiceFactory services = new ObjectServiceFactory(xfire.getTransportManager());
            xfire.getServiceRegistry().register(services.create(implementation, "userApi", null, null));
            return xfire;
        }
    }
}
