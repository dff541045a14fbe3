//! Where the client goes: to addresses that were checked, however the name is spelt, and by no proxy.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};

use tokio::task::JoinSet;

use super::{AMPLE, Hang, Limits, OK, Request, attempt, post, send_request, shown};
use crate::deliver::names::NameService;
use crate::deliver::scripted::Scripted;
use crate::deliver::{Client, Reach};
use crate::model::attempt::Reply;
use crate::model::subscription::{Subscription, Trust};

/// Names whose answers a test gives, one look-up after the other; the last one stays.
#[derive(Clone, Default)]
struct Answers(Arc<Mutex<HashMap<&'static str, Vec<Answer>>>>);

/// The addresses of a name.
type Answer = Vec<&'static str>;

impl Answers {
    fn of(name: &'static str, answers: &[&[&'static str]]) -> Self {
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        Self(Arc::new(Mutex::new(HashMap::from([(name, answers)]))))
    }
}

impl NameService for Answers {
    fn look_up(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        let mut known = self.0.lock().expect("unpoisoned");
        let answers = known.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Ok(answer.iter().map(|ip| SocketAddr::new(ip.parse().expect(ip), 0)).collect())
    }
}

fn client(answers: Answers, allow: &[&str]) -> Client {
    let allow = allow.iter().map(|network| network.parse().expect(network)).collect();
    Client::with(AMPLE, Reach { allow, ..Reach::default() }, Box::new(answers))
}

async fn attempt_as(client: &Client, trust: Trust, url: &str) -> Reply {
    let mut request = send_request(post(url), "{}");
    let target = request.subscription.target.clone();
    let name = request.subscription.name.clone();
    request.subscription = Arc::new(Subscription { trust, ..Subscription::new(name, target) });
    client.attempt(&request).await.reply
}

#[tokio::test]
async fn ip_literals_are_checked_in_any_spelling() {
    let client = client(Answers::default(), &[]);
    for host in [
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0xA9.0xFE.0xA9.0xFE",
        "025177524776",
        "0251.0376.0251.0376",
        "169.254.43518",
        "169.16689662",
        "169.254.169.254.",
        "%31%36%39.254.169.254",
        "\u{ff11}\u{ff16}\u{ff19}\u{3002}254\u{ff0e}169\u{ff61}254",
        "\u{2460}\u{2465}\u{2468}.254.169.254",
        "[::ffff:169.254.169.254]",
        "[0:0:0:0:0:ffff:a9fe:a9fe]",
        "[::169.254.169.254]",
        "[64:ff9b::169.254.169.254]",
        "[64:ff9b:1::169.254.169.254]",
        "[2002:a9fe:a9fe::]",
        "[2001:0:4136:e378:8000:63bf:5601:5601]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "0",
        "0.0.0.0",
        "[::]",
        "255.255.255.255",
    ] {
        for trust in [Trust::RuleFile, Trust::Registration] {
            let reply = attempt_as(&client, trust, &format!("http://{host}/latest/meta-data")).await;
            assert_eq!(shown(&reply), "refused-address connect", "{host} {trust:?}: {reply:?}");
            assert!(reply.detail().contains("`allow` of [delivery] in ringback.toml"), "{reply:?}");
        }
    }
    for host in
        ["127.0.0.1", "0x7f.1", "017700000001", "2130706433", "127.1", "[::ffff:127.0.0.1]", "[::1]", "10.0.0.1"]
    {
        let reply = attempt_as(&client, Trust::Registration, &format!("http://{host}/")).await;
        assert_eq!(shown(&reply), "refused-address connect", "{host}: {reply:?}");
    }
}

#[tokio::test]
async fn loopback_is_open_to_rule_files_in_any_spelling() {
    let scripts: [&[_]; 5] = [&[Request, OK]; 5];
    let receiver = Scripted::plain(&scripts);
    let port = receiver.address.port();
    let client = client(Answers::of("here.example", &[&["127.0.0.1"]]), &[]);
    for host in ["127.0.0.1", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]", "here.example"] {
        let reply = attempt(&client, &format!("http://{host}:{port}/")).await;
        assert_eq!(shown(&reply), "answered 200", "{host}: {reply:?}");
    }
}

#[tokio::test]
async fn a_listed_network_is_open_to_a_registration_and_no_other_is() {
    let receiver = Scripted::plain(&[&[Request, OK]]);
    let listed = client(Answers::default(), &["127.0.0.1/32"]);
    let url = format!("http://{}/", receiver.address);
    assert_eq!(shown(&attempt_as(&listed, Trust::Registration, &url).await), "answered 200");
    let other = format!("http://127.0.0.2:{}/", receiver.address.port());
    assert_eq!(shown(&attempt_as(&listed, Trust::Registration, &other).await), "refused-address connect");
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn a_name_that_is_rebound_gains_nothing() {
    // Each connection is closed after its request, so each attempt needs a new one, and each looks the name up.
    let receiver = Scripted::plain(&[&[Request, OK], &[Request, OK]]);
    let url = format!("http://rebound.example:{}/", receiver.address.port());
    let answers = Answers::of("rebound.example", &[&["127.0.0.1"], &["169.254.169.254"], &["127.0.0.1"]]);
    let client = client(answers, &[]);
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(shown(&attempt(&client, &url).await));
    }
    // The parked connection of the first attempt turns out to be closed at the second: a new one is refused.
    assert_eq!(seen, ["answered 200", "refused-address connect", "answered 200"]);
    let host = format!("\r\nhost: rebound.example:{}\r\n", receiver.address.port());
    assert!(receiver.requests().iter().all(|request| request.contains(&host)), "{:?}", receiver.requests());
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_called() {
    // A second look-up between the check and the connection would get the forbidden address.
    let receiver = Scripted::plain(&[&[Request, OK]]);
    let url = format!("http://rebound.example:{}/", receiver.address.port());
    let answers = Answers::of("rebound.example", &[&["127.0.0.1"], &["169.254.169.254"]]);
    assert_eq!(shown(&attempt(&client(answers.clone(), &[]), &url).await), "answered 200");
    assert_eq!(answers.0.lock().expect("unpoisoned")["rebound.example"].len(), 1, "it was looked up once");
}

#[tokio::test]
async fn of_mixed_answers_the_open_ones_are_called_and_the_others_are_named() {
    let receiver = Scripted::plain(&[&[Request, OK]]);
    let client = client(Answers::of("mixed.example", &[&["169.254.169.254", "fe80::1", "127.0.0.1"]]), &[]);
    let reply = attempt(&client, &format!("http://mixed.example:{}/", receiver.address.port())).await;
    assert_eq!(shown(&reply), "answered 200", "{reply:?}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let reply = attempt(&client, &format!("http://mixed.example:{}/", closed.port())).await;
    assert_eq!(shown(&reply), "unreachable connect", "{reply:?}");
    assert!(reply.detail().contains("169.254.169.254 is a link-local address"), "{reply:?}");
    let reply = attempt_as(&client, Trust::Registration, "http://mixed.example/").await;
    assert_eq!(shown(&reply), "refused-address connect");
    for address in ["169.254.169.254", "fe80::1", "127.0.0.1"] {
        assert!(reply.detail().contains(&format!("{address} is ")), "{reply:?}");
    }
}

/// Names that hang until the sender is dropped, but for one.
struct Hangs(Mutex<mpsc::Receiver<()>>);

impl NameService for Hangs {
    fn look_up(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        if name != "here.example" {
            // The lock is held meanwhile: the second one that hangs waits for it, and hangs too.
            let _ended = self.0.lock().expect("unpoisoned").recv();
        }
        Ok(vec![SocketAddr::from(([127, 0, 0, 1], 0))])
    }
}

#[tokio::test]
async fn a_look_up_that_hangs_ends_the_attempt_by_its_limit_and_holds_no_other_up() {
    let (until, hangs) = mpsc::channel();
    // Long enough for a look-up and a connection on this host, however busy it is; the others wait it out.
    let limits = Limits { connect_ms: 1_000, ..AMPLE };
    let client = Client::with(limits, Reach::default(), Box::new(Hangs(Mutex::new(hangs))));
    let names: Vec<_> = (0..20).map(|n| format!("http://hangs-{n}.example/")).collect();
    for reply in all_at_once(&client, &names).join_all().await {
        assert_eq!(shown(&reply), "timeout dns", "{reply:?}");
    }
    // Their look-ups go on hanging.
    let receiver = Scripted::plain(&[&[Request, OK]]);
    let url = format!("http://here.example:{}/", receiver.address.port());
    assert_eq!(shown(&attempt(&client, &url).await), "answered 200");
    drop(until);
}

/// Attempts at all of them, side by side.
fn all_at_once(client: &Client, urls: &[String]) -> JoinSet<Reply> {
    let mut attempts = JoinSet::new();
    for url in urls {
        let (client, url) = (client.clone(), url.clone());
        attempts.spawn(async move { attempt(&client, &url).await });
    }
    attempts
}

#[tokio::test]
async fn a_parked_connection_is_not_shared_between_kinds_of_trust() {
    let receiver = Scripted::plain(&[&[Request, OK, Request, OK, Hang]]);
    let client = client(Answers::default(), &[]);
    let url = format!("http://{}/", receiver.address);
    assert_eq!(shown(&attempt_as(&client, Trust::RuleFile, &url).await), "answered 200");
    assert_eq!(shown(&attempt_as(&client, Trust::Registration, &url).await), "refused-address connect");
    assert_eq!(shown(&attempt_as(&client, Trust::RuleFile, &url).await), "answered 200");
    assert_eq!((receiver.connections(), receiver.requests().len()), (1, 2));
}
