//! Extended attributes as metadata. Reads no disk: a [`crate::look::disk::Disk`] has read the attributes.

use crate::model::metadata::{Metadata, XATTR_PREFIX, nfc};

/// The metadata of a file with these attributes `(name, value)`.
///
/// Each attribute is one key with one value: its bytes as UTF-8 text in NFC, without the NULs that some writers
/// (C programs, Samba) put at the end. Bytes that are not UTF-8 become U+FFFD: an attribute does not say its
/// encoding, and a wrong guess would look like text that somebody wrote. Two names that NFC makes equal are one key,
/// which has the value of the name that sorts first by its bytes, so that the order of the disk does not matter.
#[must_use]
pub fn metadata(mut attributes: Vec<(String, Vec<u8>)>) -> Metadata {
    attributes.sort_unstable();
    let mut out = Metadata::new();
    for (name, value) in attributes {
        out.entry(format!("{XATTR_PREFIX}{}", nfc(&name))).or_insert_with(|| vec![text(&value)]);
    }
    out
}

fn text(value: &[u8]) -> String {
    let end = value.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    nfc(&String::from_utf8_lossy(&value[..end]))
}

#[cfg(test)]
mod tests {
    use super::metadata;

    #[test]
    fn each_attribute_is_one_key_with_one_value() {
        let cases: [(&str, &[u8], &str, &str); 7] = [
            ("user.project", b"Alpha", "XATTR_user.project", "Alpha"),
            ("user.c", b"text\0\0", "XATTR_user.c", "text"),
            ("user.empty", b"", "XATTR_user.empty", ""),
            ("user.nuls", b"\0", "XATTR_user.nuls", ""),
            ("user.spaces", b" a\0b \n", "XATTR_user.spaces", " a\0b \n"),
            ("user.e\u{301}", "e\u{301}".as_bytes(), "XATTR_user.\u{e9}", "\u{e9}"),
            ("user.latin", b"caf\xe9", "XATTR_user.latin", "caf\u{fffd}"),
        ];
        for (name, value, key, text) in cases {
            let metadata = metadata(vec![(name.to_owned(), value.to_vec())]);
            assert_eq!(metadata.into_iter().collect::<Vec<_>>(), [(key.to_owned(), vec![text.to_owned()])], "{name}");
        }
    }

    #[test]
    fn names_that_normalise_to_one_key_do_not_depend_on_their_order() {
        let one = ("user.e\u{301}".to_owned(), b"decomposed".to_vec());
        let two = ("user.\u{e9}".to_owned(), b"composed".to_vec());
        let forward = metadata(vec![one.clone(), two.clone()]);
        assert_eq!(forward, metadata(vec![two, one]));
        assert_eq!(forward["XATTR_user.\u{e9}"], ["decomposed"]);
    }
}
