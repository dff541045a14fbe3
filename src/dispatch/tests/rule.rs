//! The subscription that a script's `rule` line describes.

use std::sync::Arc;

use crate::model::event::EventName;
use crate::model::format::Format;
use crate::model::retry::{Accepts, RetrySchedule};
use crate::model::subscription::{Field, Lifetime, Method, Name, Order, Subscription, Target};
use crate::model::tenant::Tenant;

pub(super) fn subscription(name: &str, settings: &[&str]) -> Subscription {
    let target = Target {
        method: Method::Post,
        url: url::Url::parse(&format!("http://{name}/")).expect("a URL").into(),
        headers: Box::default(),
        accepts: Accepts::AnySuccess,
    };
    let name = Name::parse(name).expect("a name");
    let retry = RetrySchedule { retries: Some(3), ..RetrySchedule::of_delays(vec![60_000]) };
    let mut subscription =
        Subscription { covers_modification: true, retry: Arc::new(retry), ..Subscription::new(name, target) };
    for (key, value) in settings.iter().map(|setting| setting.split_once('=').expect("KEY=VALUE")) {
        let number = |text: &str| text.parse().expect("a number");
        match key {
            "at" => subscription.target.url = url::Url::parse(&format!("http://{value}/")).expect("a URL").into(),
            "max" => subscription.batching.max_entries = number(value) as usize,
            "linger" => subscription.batching.linger_ms = number(value),
            "delays" => Arc::make_mut(&mut subscription.retry).delays_ms = value.split(',').map(number).collect(),
            "retries" => Arc::make_mut(&mut subscription.retry).retries = Some(number(value) as u32),
            "format" => subscription.format = one_of(&Format::ALL, Format::as_str, value),
            "fields" => {
                subscription.fields = value.split(',').map(|word| one_of(&Field::ALL, Field::as_str, word)).collect();
            }
            "schedule" => subscription.retry = Arc::default(),
            "order" => subscription.order = one_of(&Order::ALL, Order::as_str, value),
            "lifetime" => subscription.lifetime = one_of(&Lifetime::ALL, Lifetime::as_str, value),
            "events" => {
                let names = value.split(',').map(|name| EventName::parse(name).expect("a name"));
                subscription.events = names.collect();
            }
            "tenant" => subscription.tenant = Some(Tenant::parse(value).expect("a name")),
            "paused" => subscription.paused = number(value) != 0,
            _ => panic!("not a setting: {key}"),
        }
    }
    subscription
}

fn one_of<T: Copy>(all: &[T], as_str: impl Fn(T) -> &'static str, word: &str) -> T {
    *all.iter().find(|known| as_str(**known) == word).expect("a word")
}
