//! A certificate that this process makes for itself, and TLS streams of a server that shows it.

#![allow(dead_code, reason = "each test needs some of it only")]

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::net::TcpStream;
use std::sync::Arc;

/// What a server shows, and what a client has to trust for it.
#[derive(Clone)]
pub(crate) struct Identity {
    config: Arc<ServerConfig>,
    /// The certificate, in PEM.
    pub(crate) pem: String,
}

pub(crate) type TlsStream = StreamOwned<ServerConnection, TcpStream>;

impl Identity {
    /// A new certificate for these names and addresses.
    pub(crate) fn of(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        Self::from_params(&CertificateParams::new(names).unwrap())
    }

    /// One that has not been valid for long.
    pub(crate) fn expired(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        Self::from_params(&params)
    }

    fn from_params(params: &CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        Self { config: Arc::new(config), pem: certificate.pem() }
    }

    /// The server's side of a connection; the handshake is made with the first bytes.
    pub(crate) fn accept(&self, stream: TcpStream) -> TlsStream {
        StreamOwned::new(ServerConnection::new(Arc::clone(&self.config)).unwrap(), stream)
    }
}
