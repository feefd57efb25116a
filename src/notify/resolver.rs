use std::future::Future;
use std::io;
use std::net::SocketAddr;

/// Finds the addresses of a host, for a [`WebhookNotifier`](super::WebhookNotifier).
///
/// It is asked once for each delivery. Its whole answer is judged, and the connection goes to an address of this answer:
/// a name whose second answer differs from the first leads nowhere else.
///
/// # Example
/// ```
/// use patronage::notify::Resolver;
/// use std::net::SocketAddr;
///
/// /// Knows one host.
/// struct Fixed(SocketAddr);
///
/// impl Resolver for Fixed {
///     async fn resolve(&self, _host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
///         Ok(vec![SocketAddr::new(self.0.ip(), port)])
///     }
/// }
/// let fixed = Fixed("192.0.2.7:0".parse()?);
/// let found = pollster::block_on(fixed.resolve("hooks.example.org", 443))?;
/// assert_eq!(found, ["192.0.2.7:443".parse()?]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Resolver: Send + Sync {
    /// The addresses of a host, with the port, the best first.
    ///
    /// # Errors
    /// When the host cannot be found for now.
    fn resolve(&self, host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;
}

/// Asks the operating system, on tokio's threads for blocking calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}
