use lettre::transport::smtp::client::AsyncTokioStream;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A connection to a relay that will change to TLS: until it does, no byte is read before it is needed.
///
/// The mail library keeps what it has read beyond an answer, and would take it for answers after TLS began. So somebody
/// on the way could answer for the relay in advance, and have a mail count as taken that never was. Read byte by byte,
/// whatever follows the answer to STARTTLS meets the handshake, which it breaks.
///
/// Source: Poddebniak and others, "Why TLS is better without STARTTLS", USENIX Security 2021 (response injection).
#[derive(Debug)]
pub(super) struct LineStream {
    stream: TcpStream,
    plain: bool,
}

impl LineStream {
    pub(super) const fn new(stream: TcpStream) -> Self {
        Self { stream, plain: true }
    }
}

/// The first byte of a TLS handshake; no command begins with it.
const HANDSHAKE: u8 = 22;

impl AsyncRead for LineStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.plain || buffer.remaining() == 0 {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let mut byte = [0];
        let mut one = ReadBuf::new(&mut byte);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut one))?;
        buffer.put_slice(one.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LineStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.first() == Some(&HANDSHAKE) {
            self.plain = false;
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl AsyncTokioStream for LineStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}
