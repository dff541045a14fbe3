//! The receiver, called by the real client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use url::Url;

use super::{MAX_BODY_BYTES, Receiver, Reply};
use crate::deliver::{Client, Limits, Reach};
use crate::model::attempt;
use crate::model::delivery::{Body, SendRequest};
use crate::model::ids::{DeliveryNo, NodeId};
use crate::model::part::{DeliveryId, DeliveryKey};
use crate::model::retry::Accepts;
use crate::model::subscription::{Method, Name, Subscription, Target, Trust};
use crate::model::time::Wall;

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn call(client: &Client, url: &str, body: Vec<u8>) -> attempt::Reply {
    let url = Url::parse(url).expect("a URL");
    let target = Target { method: Method::Put, url: url.into(), headers: Box::default(), accepts: Accepts::AnySuccess };
    let name = Name::parse("watch").expect("a name");
    let request = SendRequest {
        mark: None,
        subscription: Arc::new(Subscription { trust: Trust::RuleFile, ..Subscription::new(name, target) }),
        id: DeliveryId { node: NodeId(1), key: DeliveryKey::whole(DeliveryNo(1)) },
        attempt: 1,
        at: Wall(0),
        body: Body::json(body),
    };
    client.attempt(&request).await.reply
}

#[tokio::test]
async fn the_handler_sees_the_request_and_chooses_the_answer() {
    let (tell, told) = mpsc::channel();
    let receiver = Receiver::start(ANY_PORT, move |received| {
        tell.send(received).expect("the test listens");
        418
    })
    .await
    .expect("a port");
    let client = Client::new(Limits::default(), Reach::default());
    assert_eq!(call(&client, &receiver.url("/a?b=c"), b"{}".to_vec()).await.status(), Some(418));
    let received = told.recv().expect("a request");
    assert_eq!((received.method.as_str(), received.path_and_query.as_str()), ("PUT", "/a?b=c"));
    assert_eq!((received.header("webhook-id"), &received.body[..]), ("0000000000000001-1", &b"{}"[..]));
    assert_eq!(received.header("absent"), "");
}

#[tokio::test]
async fn an_answer_can_be_delayed() {
    let delay = Duration::from_millis(30);
    let receiver = Receiver::start(ANY_PORT, move |_| Reply { status: 200, delay }).await.expect("a port");
    let started = Instant::now();
    assert!(
        call(&Client::new(Limits::default(), Reach::default()), &receiver.url("/"), vec![]).await.status() == Some(200)
    );
    assert!(started.elapsed() >= delay);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let receiver = Receiver::start(ANY_PORT, |_| 200).await.expect("a port");
    let client = Client::new(Limits::default(), Reach::default());
    for (bytes, status) in [(MAX_BODY_BYTES, 200), (MAX_BODY_BYTES + 1, 413)] {
        assert_eq!(call(&client, &receiver.url("/"), vec![b'x'; bytes]).await.status(), Some(status));
    }
}

#[tokio::test]
async fn a_stopped_receiver_refuses() {
    let receiver = Receiver::start(ANY_PORT, |_| 200).await.expect("a port");
    let client = Client::new(Limits::default(), Reach::default());
    let url = receiver.url("/");
    assert!(call(&client, &url, vec![]).await.status() == Some(200));
    // The client's parked connection does not keep it.
    receiver.stop().await;
    assert_eq!(call(&client, &url, vec![]).await.failure(), "unreachable");
}
