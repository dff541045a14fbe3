//! What an answer of `exiftool` says: the JSON of one file.

use std::io;

use crate::metadata::budget::Budget;
use crate::metadata::fault::Fault;
use crate::metadata::found::Portion;
use crate::metadata::json::exiftool::said as said_by;
use crate::metadata::json::raw_json::{Value, parse};
use crate::metadata::limits::KEYS_MAX;
use crate::model::metadata::{Said, is_physical};

/// The format's name in faults.
const FORMAT: &str = "the file";
/// The error that says that ExifTool does not know the file either.
const UNKNOWN: &str = "Unknown file type";

/// The keys and values of an answer. A file that ExifTool does not know says nothing.
///
/// # Errors
/// ExifTool could not open the file, says that it is damaged, or says more than one source may.
pub fn said(answer: &[u8], portion: Portion) -> Result<Said, Fault> {
    if answer.trim_ascii().is_empty() {
        return Err(Fault::Io(io::Error::other("exiftool cannot open it")));
    }
    let budget = Budget::begin();
    let document = parse(answer, &budget)?;
    let Value::List(files) = &document else { return Err(not_of_one_file()) };
    let [Value::Object(members)] = files.as_slice() else { return Err(not_of_one_file()) };
    let text = |key: &str| members.get(key).and_then(Value::text);
    match text("ExifTool:Error") {
        Some(UNKNOWN) => return Ok(Said::default()),
        Some(error) => return Err(damaged(error)),
        None => {}
    }
    if portion == Portion::Whole
        && let Some(warning) = text("ExifTool:Warning").filter(|warning| is_of_damage(warning))
    {
        return Err(damaged(warning));
    }
    let (mut said, count) = said_by(members);
    if count > KEYS_MAX {
        return Err(Fault::limit("exiftool finds more keys than allowed", format!("{KEYS_MAX} keys")));
    }
    // Of a group that no reader has there is no physical key: it would be a second logical one.
    said.values.retain(|key, _| !key.contains(':') || is_physical(key));
    Ok(said)
}

fn not_of_one_file() -> Fault {
    Fault::Io(io::Error::other("exiftool does not answer as it should"))
}

fn damaged(why: &str) -> Fault {
    Fault::damaged(FORMAT, format!("exiftool says: {why}"))
}

/// Whether a warning says that something of the file was not read: what is missing then is no difference. A file that
/// a reader knows is judged by the reader.
fn is_of_damage(warning: &str) -> bool {
    // Minor ones say so. A part of Perl that is not installed leaves out the same each time, and the digest says who
    // wrote last.
    let is_harmless = ["[minor]", "[Minor]", "Install ", "IPTCDigest "].iter().any(|begin| warning.starts_with(begin));
    !is_harmless
}

#[cfg(test)]
mod tests {
    use super::{KEYS_MAX, Portion, said};
    use crate::metadata::fault::Fault;

    fn shown(members: &str, portion: Portion) -> Result<Vec<String>, Fault> {
        let answer = format!("[{{\"SourceFile\":\"/proc/1/fd/3\",{members}}}]\n");
        let said = said(answer.as_bytes(), portion)?;
        Ok(said.values.iter().map(|(key, values)| format!("{key} = {}", values.join("|"))).collect())
    }

    #[test]
    fn an_answer_is_keys_and_values_without_noise() {
        let members = r#""ExifTool:ExifToolVersion":12.57,"File:System:FileName":7,"File:FileType":"PDF",
            "PDF:Author":"Jane","PDF:CreateDate":"2026:05:01 12:00:00+02:00","XMP:XMP-dc:Title":"Hello",
            "MXF:Track1:TrackID":1,"Composite:Megapixels":1,"PDF:Icon":"(Binary data 9 bytes, use -b option to extract)""#;
        let expect = [
            "IPTC_Title = Hello",
            "PDF_Author = Jane",
            "PDF_CreateDate = 2026-05-01T12:00:00+02:00",
            "Track1:TrackID = 1",
            "Track1_TrackID = 1",
            "XMP-dc:Title = Hello",
            "XMP_Title = Hello",
        ];
        assert_eq!(shown(members, Portion::Whole).expect("an answer"), expect);
        let note = r#""MakerNotes:Nikon:Quality":"FINE  ""#;
        assert_eq!(shown(note, Portion::MakerNote).expect("an answer"), ["Nikon_Quality = FINE"]);
    }

    #[test]
    fn what_is_unknown_says_nothing_and_what_is_damaged_is_a_fault() {
        let whole = |members: &str| shown(members, Portion::Whole);
        assert!(whole(r#""ExifTool:Error":"Unknown file type""#).expect("no fault").is_empty());
        let fault = whole(r#""ExifTool:Error":"File format error","PDF:Author":"Jane""#).expect_err("damaged");
        assert_eq!(fault.to_string(), "the file is damaged: exiftool says: File format error");
        let truncated = r#""ExifTool:Warning":"Invalid xref table","PDF:Linearized":false"#;
        assert!(matches!(whole(truncated), Err(Fault::Damaged { .. })));
        assert!(shown(truncated, Portion::MakerNote).is_ok());
        for harmless in ["[minor] Odd", "Install Archive::Zip to decode", "IPTCDigest is not current."] {
            assert!(whole(&format!(r#""ExifTool:Warning":"{harmless}""#)).is_ok(), "{harmless}");
        }
        assert!(matches!(said(b"\n", Portion::Whole), Err(Fault::Io(_))));
        assert!(matches!(said(b"{}", Portion::Whole), Err(Fault::Io(_))));
        assert!(matches!(said(b"[{", Portion::Whole), Err(Fault::Damaged { .. })));
    }

    #[test]
    fn an_answer_has_so_many_keys() {
        let keys = |count: usize| {
            let members: Vec<_> = (0..count).map(|n| format!("\"PDF:Key{n}\":1")).collect();
            shown(&members.join(","), Portion::Whole)
        };
        assert!(keys(KEYS_MAX).is_ok());
        assert!(matches!(keys(KEYS_MAX + 1), Err(Fault::Limit { .. })));
    }
}
