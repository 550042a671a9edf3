"""All that knows mitmproxy: the addon, and the tee for streamed answers."""
