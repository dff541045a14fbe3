//! Opening a connection: look the name up, check its addresses, connect to one of those, and for `https` shake hands.
//! The phase of a failure is the step that was under way. No proxy is used, whatever the environment says.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use url::{Host, Url};

use super::classify::{self, unreachable};
use super::connection::Connection;
use super::guard::{Admitted, Guard};
use super::limits::Limits;
use super::resolve::Resolver;
use crate::model::attempt::{Phase, Reply};
use crate::model::subscription::Trust;

/// How long one address is waited for before the next is tried beside it (RFC 8305, section 5).
const STAGGER: Duration = Duration::from_millis(250);

/// Opens connections.
pub(super) struct Connector {
    limit: Duration,
    resolver: Resolver,
    guard: Guard,
    tls: TlsConnector,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Connector {
    /// A connector that trusts `roots`.
    pub(super) fn new(limits: &Limits, resolver: Resolver, guard: Guard, roots: RootCertStore) -> Self {
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has the cipher suites of TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let limit = Duration::from_millis(limits.connect_ms);
        Self { limit, resolver, guard, tls: TlsConnector::from(Arc::new(config)) }
    }

    /// Opens a connection to the URL's host and port, by `deadline` and within the limit. It goes to an address that is
    /// open to such trust, and the name is not looked up again on the way.
    ///
    /// # Errors
    /// The reply of an attempt that got no connection.
    pub(super) async fn open(&self, url: &Url, trust: Trust, deadline: Instant) -> Result<Connection, Reply> {
        let deadline = deadline.min(Instant::now() + self.limit);
        let host = url.host().ok_or_else(|| unreachable(Phase::Dns, "the URL has no host".to_owned()))?;
        let port = url.port_or_known_default().unwrap_or_default();
        let addresses = match &host {
            Host::Ipv4(ip) => vec![SocketAddr::from((*ip, port))],
            Host::Ipv6(ip) => vec![SocketAddr::from((*ip, port))],
            Host::Domain(name) => {
                let found = in_time(deadline, Phase::Dns, self.resolver.look_up(name)).await?;
                let found = found.map_err(|why| unreachable(Phase::Dns, why.to_string()))?;
                found.iter().map(|address| with_port(*address, port)).collect()
            }
        };
        let Admitted { addresses, left_out } = self.guard.admit(trust, addresses)?;
        let tcp = in_time(deadline, Phase::Connect, connect(addresses)).await?;
        let tcp = tcp.map_err(|why| match left_out.as_str() {
            "" => unreachable(Phase::Connect, why),
            left_out => unreachable(Phase::Connect, format!("{why}; {left_out}")),
        })?;
        if url.scheme() != "https" {
            return Connection::start(tcp).await;
        }
        let name = match host {
            Host::Ipv4(ip) => ServerName::from(std::net::IpAddr::from(ip)),
            Host::Ipv6(ip) => ServerName::from(std::net::IpAddr::from(ip)),
            Host::Domain(name) => ServerName::try_from(name.to_owned())
                .map_err(|fault| Reply::TlsFailed { why: format!("{name} cannot be in a certificate: {fault}") })?,
        };
        let stream = in_time(deadline, Phase::Tls, self.tls.connect(name, tcp)).await?;
        Connection::start(stream.map_err(|error| classify::handshake(&error))?).await
    }
}

/// The platform's root certificates. A platform without any is a warning here and a TLS failure at each `https` target.
pub(super) fn native_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "some of the platform's root certificates could not be read");
    }
    let mut roots = RootCertStore::empty();
    let (used, _unusable) = roots.add_parsable_certificates(found.certs);
    if used == 0 {
        tracing::warn!("the platform has no root certificates; no https target can be verified");
    }
    roots
}

async fn in_time<T>(deadline: Instant, phase: Phase, work: impl Future<Output = T>) -> Result<T, Reply> {
    timeout_at(deadline, work).await.map_err(|_| Reply::TimedOut { phase })
}

/// The port of an address; a link-local address keeps its interface.
fn with_port(mut address: SocketAddr, port: u16) -> SocketAddr {
    address.set_port(port);
    address
}

/// Connects to the first of `addresses` that answers. They are tried in the resolver's order, each a while after the
/// one before it or as soon as that failed, so that a dead IPv6 route costs a moment and not the whole limit.
async fn connect(addresses: Vec<SocketAddr>) -> Result<TcpStream, String> {
    let mut untried = addresses.into_iter();
    let mut trying = JoinSet::new();
    let mut why = String::new();
    loop {
        if let Some(address) = untried.next() {
            trying.spawn(async move { connect_to(address).await.map_err(|error| format!("{address}: {error}")) });
        }
        let patience = if untried.len() > 0 { STAGGER } else { Duration::MAX };
        match timeout(patience, trying.join_next()).await {
            Ok(Some(Ok(Ok(stream)))) => return Ok(stream),
            Ok(Some(Ok(Err(error)))) => why = error,
            Ok(Some(Err(error))) => why = error.to_string(),
            Ok(None) => return Err(why),
            Err(_) => {}
        }
    }
}

async fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // A request is written in one go and must leave at once.
    stream.set_nodelay(true)?;
    Ok(stream)
}
