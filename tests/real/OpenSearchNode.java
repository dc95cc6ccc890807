// SPDX-License-Identifier: Apache-2.0
// One OpenSearch node from Maven Central's jars alone, HTTP on a port: what the distribution's start script does, without its
// security manager and the modules that the test does not need.
//
// java -cp LIBS/* OpenSearchNode.java HOME PORT TRANSPORT_PORT

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

public class OpenSearchNode extends Node {
	OpenSearchNode(Environment environment) {
		super(environment, List.of(Netty4Plugin.class), false);
	}

	public static void main(String[] arguments) throws Exception {
		Settings settings = Settings.builder()
			.put("path.home", arguments[0])
			.put("cluster.name", "genops-test")
			.put("node.name", "one")
			.put("discovery.type", "single-node")
			.put("network.host", "127.0.0.1")
			.put("http.port", arguments[1])
			.put("transport.port", arguments[2])
			.put("http.type", "netty4")
			.put("transport.type", "netty4")
			.put("cluster.routing.allocation.disk.threshold_enabled", false)
			.build();
		Node node = new OpenSearchNode(InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), Path.of(arguments[0], "config"), () -> "one"));
		Runtime.getRuntime().addShutdownHook(new Thread(() -> {
			try {
				node.close();
			} catch (Exception error) {
				error.printStackTrace();
			}
		}));
		node.start();
		new CountDownLatch(1).await(); // all of a node's threads are daemons
	}
}
