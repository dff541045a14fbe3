//! `/v1/assets`: the catalog's view of one asset.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::super::body::Asked;
use super::super::error::ApiError;
use super::super::operation::{Operation, array, number, object, text, time};
use super::query::{Fields, wrong};
use super::{Answer, Api};
use crate::model::ids::AssetId;
use crate::model::listing::ListedAsset;
use crate::model::metadata_by_key::by_key;
use crate::model::time::Wall;

/// The fields of a query.
const FIELDS: [&str; 3] = ["path", "path64", "id"];

/// `GET /v1/assets`.
pub(super) async fn show(State(native): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = native.show_asset(&mut asked).await;
    asked.answer(answer).await
}

/// What is shown of metadata: an object for each key.
pub(super) fn metadata_schema() -> Value {
    let said = [("source", text()), ("value", array(text()))];
    let key = object(said.clone(), [("lost", array(object(said, [])))]);
    json!({"type": "object", "additionalProperties": key})
}

/// Of `GET /v1/assets`.
pub(super) fn operation() -> Operation {
    let asset = object(
        [
            ("assetId", number()),
            ("rrn", number()),
            ("path", text()),
            ("size", number()),
            ("mtime", time()),
            ("owner", text()),
            ("metadata", metadata_schema()),
        ],
        [("pathBase64", text())],
    );
    Operation::new("The catalog's view of one asset.")
        .query("path", text(), "A logical path.")
        .query("path64", text(), "A logical path that is not UTF-8, in base64.")
        .query("id", number(), "An asset's number.")
        .answer(200, "The asset.", asset)
        .refusal(404, "There is no such asset now.")
}

impl Api {
    async fn show_asset(&self, asked: &mut Asked) -> Answer {
        let fields = Fields::of_query(asked.parts.uri.query(), &FIELDS)?;
        let id = match fields.text("id")? {
            Some(text) => {
                Some(text.parse().map(AssetId).map_err(|_| wrong("`id` takes an asset's number".to_owned()))?)
            }
            None => None,
        };
        let (path, mounts) = (fields.path()?, Arc::clone(&self.mounts));
        let asked_mount = path.as_ref().and_then(|path| mounts.of(path)).map(|mount| mount.path.clone());
        let found = match (id, path) {
            (Some(id), None) => self.read(move |reader, _| Ok(reader.asset(id)?)).await?,
            (None, Some(path)) => match asked_mount {
                Some(mount) => self.read(move |reader, _| Ok(reader.asset_at(&mount, &path)?)).await?,
                None => None,
            },
            _ => return Err(wrong("say `path` (or `path64`) or `id`, one of them".to_owned())),
        };
        let scope = &asked.caller().scope;
        let tenant = |asset: &ListedAsset| mounts.of(&asset.path).and_then(|mount| mount.tenant.clone());
        match found.filter(|asset| scope.covers(tenant(asset).as_ref())) {
            Some(asset) => Ok(Json(shown(&asset)).into_response()),
            None => Err(ApiError::new(StatusCode::NOT_FOUND, "there is no such asset now")),
        }
    }
}

fn shown(asset: &ListedAsset) -> Value {
    let mut out = json!({
        "assetId": asset.id.0,
        "rrn": asset.rrn.0,
        "path": asset.path.display(),
        "size": asset.size,
        "mtime": Wall(asset.mtime_ns.div_euclid(1_000_000)).to_string(),
        "owner": asset.owner,
    });
    if let Some(base64) = asset.path.base64() {
        out["pathBase64"] = json!(base64);
    }
    out["metadata"] = Value::Object(by_key(&asset.sources));
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::shown;
    use crate::model::ids::{AssetId, Rrn};
    use crate::model::listing::ListedAsset;
    use crate::model::metadata::{BySource, Metadata, Source, merged};
    use crate::model::path::LogicalPath;

    fn asset(sources: BySource) -> ListedAsset {
        let path = LogicalPath::parse(b"/acme/caf\xe9.jpg").expect("a path");
        ListedAsset { id: AssetId(7), rrn: Rrn(12), path, size: 9, mtime_ns: 1_000_000, owner: "jo".into(), sources }
    }

    #[test]
    fn a_key_has_the_source_that_won_and_those_that_lost() {
        let said = |value: &str| Metadata::from([("City".to_owned(), vec![value.to_owned()])]);
        let shown = shown(&asset([(Source::Records, said("SFO")), (Source::Xattr, said("LAX"))].into()));
        assert_eq!(
            shown.to_string(),
            concat!(
                r#"{"assetId":7,"metadata":{"City":{"lost":[{"source":"xattr","value":["LAX"]}],"source":"record","value":["SFO"]}},"#,
                r#""mtime":"1970-01-01T00:00:00.001Z","owner":"jo","path":"/acme/caf�.jpg","pathBase64":"L2FjbWUvY2Fm6S5qcGc=","rrn":12,"size":9}"#
            )
        );
    }

    /// What a caller sees of each key.
    fn winners(asset: &ListedAsset) -> Metadata {
        let shown = shown(asset);
        let keys = shown["metadata"].as_object().expect("an object").iter();
        keys.map(|(key, said)| (key.clone(), serde_json::from_value(said["value"].clone()).expect("values"))).collect()
    }

    fn content() -> impl Strategy<Value = Metadata> {
        prop::collection::btree_map("[a-c]", prop::collection::vec("[x-z]", 1..3), 0..4)
    }

    proptest! {
        #[test]
        fn what_is_shown_is_what_rules_see(records in content(), xattr in content()) {
            let sources: BySource = [(Source::Records, records), (Source::Xattr, xattr)].into();
            let merged = merged(&sources);
            prop_assert_eq!(winners(&asset(sources)), merged);
        }
    }
}
