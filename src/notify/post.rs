//! One request to one judged address: connect, shake hands, post, read the head of the answer.

use super::Resolver;
use super::target::Target;
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// The name could not be resolved.
    Unresolved,
    /// The name resolved to an address out of reach.
    Forbidden,
    /// No connection.
    Unreachable,
    /// No safe connection.
    Insecure,
    /// The connection ended before the answer, or the answer is none.
    CutOff,
}

/// Heads of answers longer than this are refused; bodies are not read at all.
const LONGEST_HEAD: usize = 16 * 1024;

/// Posts to the target, on a connection to an address that was judged: nothing is resolved again, no proxy is asked, no
/// redirect is followed, and the body of the answer is left unread.
pub(super) async fn post<R: Resolver>(
    target: &Target,
    resolver: &R,
    tls: &Arc<ClientConfig>,
    connect_within: Duration,
    request: Request<String>,
) -> Result<Response<hyper::body::Incoming>, NoAnswer> {
    let stream = connect(&judged(target, resolver).await?, connect_within).await?;
    if !target.is_https() {
        return exchange(stream, request).await;
    }
    let name = match target.host() {
        Ok(address) => ServerName::from(address.ip()),
        Err(name) => {
            let name = name.strip_suffix('.').unwrap_or(name).to_owned();
            ServerName::try_from(name).map_err(|_| NoAnswer::Unresolved)?
        }
    };
    let connected = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await;
    let stream = connected.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => NoAnswer::Insecure,
        _ => NoAnswer::CutOff,
    })?;
    exchange(stream, request).await
}

/// The addresses of a target, each within reach. One that is not condemns the whole answer: an honest name has none.
async fn judged<R: Resolver>(target: &Target, resolver: &R) -> Result<Vec<SocketAddr>, NoAnswer> {
    let addresses = match target.host() {
        Ok(address) => vec![address],
        Err(name) => resolver.resolve(name, target.port()).await.map_err(|_| NoAnswer::Unresolved)?,
    };
    if addresses.is_empty() {
        return Err(NoAnswer::Unresolved);
    }
    if addresses.iter().all(|address| target.allows(address.ip())) {
        Ok(addresses)
    } else {
        Err(NoAnswer::Forbidden)
    }
}

/// Connects to the first address that answers.
async fn connect(addresses: &[SocketAddr], within: Duration) -> Result<TcpStream, NoAnswer> {
    for address in addresses {
        if let Ok(Ok(stream)) = tokio::time::timeout(within, TcpStream::connect(address)).await {
            return Ok(stream);
        }
    }
    Err(NoAnswer::Unreachable)
}

/// Sends the request and drives the connection until the head of the answer is there.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin + Send>(
    stream: S,
    request: Request<String>,
) -> Result<Response<hyper::body::Incoming>, NoAnswer> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(LONGEST_HEAD);
    let (mut sender, connection) =
        builder.handshake(TokioIo::new(stream)).await.map_err(|_| NoAnswer::CutOff)?;
    let mut connection = pin!(connection);
    let mut answer = pin!(sender.send_request(request));
    let mut open = true;
    poll_fn(|context| {
        if let Poll::Ready(answer) = answer.as_mut().poll(context) {
            return Poll::Ready(answer);
        }
        if open && connection.as_mut().poll(context).is_ready() {
            open = false;
            // What came before the end is an answer still.
            return answer.as_mut().poll(context);
        }
        Poll::Pending
    })
    .await
    .map_err(|_| NoAnswer::CutOff)
}
