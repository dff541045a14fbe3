//! Names of tags whose keys are in no table, as ExifTool makes them from the keys.

/// The name of a metadata key: `com.example.frame_rate` is `ExampleFrameRate`. `None` when nothing is left of it.
#[must_use]
pub fn key_name(key: &str) -> Option<String> {
    let key = key.strip_prefix("com.").unwrap_or(key);
    let mut name = String::with_capacity(key.len());
    let mut is_first = true;
    for character in key.chars() {
        if !(character.is_ascii_alphanumeric() || character == '-') {
            is_first = true;
        } else if std::mem::take(&mut is_first) {
            name.push(character.to_ascii_uppercase());
        } else {
            name.push(character);
        }
    }
    (name.chars().any(char::is_alphanumeric)).then_some(name)
}

/// The name of an iTunes item: `MusicBrainz Track Id` is `MusicBrainzTrackId`, `LABEL` is `Label`.
#[must_use]
pub fn item_name(key: &str) -> Option<String> {
    let is_shouted = !key.bytes().any(|byte| byte.is_ascii_lowercase());
    let mut name = String::with_capacity(key.len());
    let is_kept = |character: &char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    for character in key.chars().filter(is_kept) {
        name.push(match (name.is_empty(), is_shouted) {
            (true, _) => character.to_ascii_uppercase(),
            (false, true) => character.to_ascii_lowercase(),
            (false, false) => character,
        });
    }
    (name.chars().any(char::is_alphanumeric)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{item_name, key_name};

    #[test]
    fn keys_become_names() {
        for (key, expect) in [
            ("com.android.capture.fps", Some("AndroidCaptureFps")),
            ("foo-bar.bazQux", Some("Foo-barBazQux")),
            ("com.example.some_Thing", Some("ExampleSomeThing")),
            ("plainkey", Some("Plainkey")),
            ("com.", None),
        ] {
            assert_eq!(key_name(key).as_deref(), expect, "{key}");
        }
        for (key, expect) in [
            ("MusicBrainz Track Id", Some("MusicBrainzTrackId")),
            ("LABEL", Some("Label")),
            ("my_weird-Name x", Some("My_weird-Namex")),
            ("\u{e4}", None),
        ] {
            assert_eq!(item_name(key).as_deref(), expect, "{key}");
        }
    }
}
