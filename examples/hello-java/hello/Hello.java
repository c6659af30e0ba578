import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.regex.Pattern;

/** Greets whoever the event names. It speaks the Runtime API by itself and needs a JDK only. */
public class Hello {
    static final String ANSWERED_BY = "the deployed code";

    /** Enough JSON for one name; a real function brings a library. */
    static final Pattern NAME = Pattern.compile("\"name\"\\s*:\\s*\"([^\"\\\\]*)\"");

    static String greet(String event, String requestId) {
        var found = NAME.matcher(event);
        var name = found.find() ? found.group(1) : "world";
        System.out.println("greeting " + name);
        return "{\"message\":\"%s, %s!\",\"answered_by\":\"%s\",\"request_id\":\"%s\"}"
                .formatted(System.getenv("GREETING"), name, ANSWERED_BY, requestId);
    }

    public static void main(String[] arguments) throws Exception {
        var invocation = "http://" + System.getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/";
        var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        while (true) {
            var next = client.send(request(invocation + "next").GET().build(), BodyHandlers.ofString());
            var requestId = next.headers().firstValue("Lambda-Runtime-Aws-Request-Id").orElseThrow();
            String verb = "/response", body;
            try {
                body = greet(next.body(), requestId);
            } catch (Exception error) {
                verb = "/error";
                body = "{\"errorType\":\"%s\",\"errorMessage\":\"see the log\"}".formatted(error.getClass().getName());
                error.printStackTrace();
            }
            var answer = request(invocation + requestId + verb).POST(BodyPublishers.ofString(body));
            client.send(answer.build(), BodyHandlers.discarding());
        }
    }

    static HttpRequest.Builder request(String address) {
        return HttpRequest.newBuilder(URI.create(address));
    }
}
