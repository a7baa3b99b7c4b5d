package interop;

import com.sun.net.httpserver.HttpServer;
import com.sun.xml.ws.transport.http.HttpAdapter;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.Executors;
import javax.xml.ws.Endpoint;

/** The reference implementation of JAX-WS (Metro), in the HTTP server of the JDK. */
public final class Main {
    public static void main(String[] arguments) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        Map<String, Object> services = Map.of(
                "/six", new com.sms.service.six.UserApi(),
                "/seven", new com.sms.service.seven.UserApi(),
                "/named", new com.sms.service.named.UserApiService(),
                "/soap12", new com.sms.service.soap12.UserApi());
        services.forEach((path, service) ->
                Endpoint.create(service).publish(server.createContext(path + "/services/userApi")));
        server.start();
        Gateway.untilInputEnds(HttpAdapter.class, server.getAddress().getPort());
    }
}
