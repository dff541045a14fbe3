//! Whom the client believes to be at the other end, and what it says of the others.

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::{AMPLE, Hang, Limits, OK, Request, Say, Step, attempt, client, shown};
use crate::deliver::names::SystemNames;
use crate::deliver::scripted::{CERTIFICATE, EARLY, ELSEWHERE, EXPIRED, Scripted};
use crate::deliver::{Client, Reach};

/// A client that trusts these certificates and no others.
fn trusting(certificates: &[&'static [u8]]) -> Client {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(CertificateDer::from(*certificate)).expect("a certificate");
    }
    Client::with(AMPLE, Reach { roots, ..Reach::default() }, Box::new(SystemNames))
}

#[tokio::test]
async fn connections_over_tls_are_used_again() {
    let client = trusting(&[CERTIFICATE]);
    let receiver = Scripted::tls(&[&[Request, OK, Request, OK]]);
    for _ in 0..2 {
        assert_eq!(shown(&attempt(&client, &format!("https://{}/", receiver.address)).await), "answered 200");
    }
    assert_eq!((receiver.connections(), receiver.requests().len()), (1, 2));
    let stale = Scripted::tls(&[&[Request, OK, Request], &[Request, OK]]);
    for _ in 0..2 {
        assert_eq!(shown(&attempt(&client, &format!("https://{}/", stale.address)).await), "answered 200");
    }
}

/// One attempt at a receiver with this certificate: it fails, nothing is sent, and the reply says why.
async fn check(client: &Client, certificate: &'static [u8], expect: &str) {
    let script: &[Step] = &[Request, OK];
    let receiver = Scripted::tls_with(certificate, &[script]);
    let reply = attempt(client, &format!("https://{}/", receiver.address)).await;
    assert_eq!(shown(&reply), "tls-error tls", "{reply:?}");
    assert!(reply.detail().starts_with(expect), "{reply:?}");
    assert_eq!(receiver.requests(), [""; 0], "nothing is sent before the certificate is verified");
    assert_eq!(receiver.connections(), 1, "it is not called by plain HTTP instead");
}

#[tokio::test]
async fn a_certificate_fault_says_which_it_is() {
    let trusting = trusting(&[CERTIFICATE, EXPIRED, EARLY, ELSEWHERE]);
    check(&trusting, EXPIRED, "the certificate has expired (").await;
    check(&trusting, EARLY, "the certificate is not valid yet, or this machine's clock is wrong (").await;
    check(&trusting, ELSEWHERE, "the certificate is for another host (").await;
    check(&client(AMPLE), CERTIFICATE, "the certificate comes from nobody whom this machine trusts;").await;
}

#[tokio::test]
async fn a_certificate_is_for_the_name_and_not_for_its_address() {
    let receiver = Scripted::tls(&[&[Request, OK]]);
    let url = format!("https://localhost:{}/", receiver.address.port());
    assert_eq!(shown(&attempt(&trusting(&[CERTIFICATE]), &url).await), "answered 200");
    assert!(receiver.requests().concat().contains(&format!("\r\nhost: localhost:{}\r\n", receiver.address.port())));
}

#[tokio::test]
async fn whoever_speaks_no_tls_is_not_called_by_plain_http() {
    let client = trusting(&[CERTIFICATE]);
    let plain = Scripted::plain(&[&[Say("HTTP/1.1 400 Bad Request\r\n\r\n"), Hang]]);
    assert_eq!(shown(&attempt(&client, &format!("https://{}/", plain.address)).await), "tls-error tls");

    let silent = Scripted::plain(&[&[Hang]]);
    let hasty = super::client(Limits { connect_ms: 100, ..AMPLE });
    assert_eq!(shown(&attempt(&hasty, &format!("https://{}/", silent.address)).await), "timeout tls");
}
