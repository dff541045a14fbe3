//! Each kind of diagnostic, explained to an admin who is in a hurry: why it is one, how it looks when it is wrong and
//! when it is right, and what to do. It says in general what a diagnostic says of one place.

use std::fmt;

use super::Code;
use crate::model::nearest::nearest;

/// What there is to say about a kind of diagnostic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// Which kind.
    pub code: Code,
    /// Why it is refused, or warned about.
    pub why: &'static str,
    /// Lines that are wrong.
    pub wrong: &'static str,
    /// The same lines, put right.
    pub right: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// The code that is meant by `RB0012`, `rb12` or `12`.
///
/// # Errors
/// The text of the known code that is nearest.
pub fn find(text: &str) -> Result<Code, String> {
    let digits = text.trim().trim_start_matches(['R', 'r', 'B', 'b', '[']).trim_end_matches(']');
    let number = digits.parse::<u16>().ok();
    if let Some(code) = Code::ALL.iter().find(|code| Some(**code as u16) == number) {
        return Ok(*code);
    }
    let by_number = number.and_then(|n| Code::ALL.iter().min_by_key(|code| (**code as u16).abs_diff(n)));
    let names: Vec<String> = Code::ALL.iter().map(ToString::to_string).collect();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let by_text = || nearest(text, &known).unwrap_or("RB0001").to_owned();
    Err(by_number.map_or_else(by_text, ToString::to_string))
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, why, wrong, right, remedy } = self;
        let severity = if code.is_warning() { "warning" } else { "error" };
        let indented = |lines: &str| lines.lines().map(|line| format!("    {line}\n")).collect::<String>();
        writeln!(f, "{severity}[{code}]: {}\n\n{why}\n", code.meaning())?;
        writeln!(f, "Wrong:\n{}\nRight:\n{}", indented(wrong), indented(right))?;
        write!(f, "What to do: {remedy}")
    }
}

impl Explanation {
    /// Explains a code.
    #[must_use]
    pub fn of(code: Code) -> Self {
        let (why, wrong, right, remedy) = texts(code);
        Self { code, why, wrong, right, remedy }
    }
}

/// Why, wrong, right, what to do. One kind after the other, so that a new one cannot be forgotten.
fn texts(code: Code) -> (&'static str, &'static str, &'static str, &'static str) {
    match code {
        Code::NotUtf8 => (
            "All files are UTF-8. An editor on Windows may have saved this one in UTF-16 or in Windows-1252.",
            "description = \"Caf\\xe9\"          # one byte E9: Windows-1252",
            "description = \"Café\"             # two bytes C3 A9: UTF-8",
            "Save the file as UTF-8, or convert it: iconv -f WINDOWS-1252 -t UTF-8 a.toml > b.toml.",
        ),
        Code::Syntax => (
            "The file cannot be read as TOML. What follows a broken line is still checked, as far as it can be read.",
            "watchPath = [\"* /dailies\"\nname = dailies",
            "watchPath = [\"* /dailies\"]\nname = \"dailies\"",
            "Look at the marked place and the line before it for a missing quote, bracket or comma; every text stands in quotes.",
        ),
        Code::UnknownKey => (
            "A key that is not known is never skipped: a rule would quietly do something else than it says.",
            "watchMetdata = [\"Rating==5\"]",
            "watchMetadata = [\"Rating==5\"]",
            "Correct the spelling, or remove the line. Keys of a later version need that version.",
        ),
        Code::WrongType => (
            "The key takes another type of value: a list instead of one text, a number instead of a text.",
            "watchPath = \"* /dailies\"\nmaxEntries = \"10\"",
            "watchPath = [\"* /dailies\"]\nmaxEntries = 10",
            "Put lists in brackets, texts and durations in quotes, and leave numbers and true or false without quotes.",
        ),
        Code::MissingKey => (
            "A key without which the table means nothing is not there.",
            "[[subscription]]\nname = \"dailies\"\nwatchPath = [\"* /dailies\"]",
            "[[subscription]]\nname = \"dailies\"\ncallback = \"http://127.0.0.1:8874/dailies\"\nwatchPath = [\"* /dailies\"]",
            "Add the line. If it is there, look whether another [[heading]] stands between it and its table.",
        ),
        Code::OutOfRange => (
            "The number, the duration or the length of the list is outside of what the key takes.",
            "maxEntries = 0",
            "maxEntries = 100",
            "Take a value within the limits that the message names.",
        ),
        Code::UnknownWord => (
            "The key takes one of a few words, written exactly so, or the name of something that exists.",
            "logicalOperand = \"and\"",
            "logicalOperand = \"AND\"",
            "Write one of the words that the message lists; upper and lower case count.",
        ),
        Code::BadName => (
            "Names stand in payloads and URLs, so they have letters, digits and hyphens only, 1 to 64 of them.",
            "name = \"five stars!\"",
            "name = \"five-stars\"",
            "Rename it. For a longer text there is `description`.",
        ),
        Code::Duplicate => (
            "Names are shared by all rule files, and what must be unique is given twice. Often a file was copied.",
            "[[subscription]]\nname = \"a\"\ncallback = \"http://127.0.0.1:8874/1\"\nwatchPath = [\"* /1\"]\n\n\
             [[subscription]]\nname = \"a\"\ncallback = \"http://127.0.0.1:8874/2\"\nwatchPath = [\"* /2\"]",
            "[[subscription]]\nname = \"a\"\ncallback = \"http://127.0.0.1:8874/1\"\nwatchPath = [\"* /1\"]\n\n\
             [[subscription]]\nname = \"b\"\ncallback = \"http://127.0.0.1:8874/2\"\nwatchPath = [\"* /2\"]",
            "Rename or remove one of the two. The message names both places. What is owed stays with the name.",
        ),
        Code::BadPath => (
            "Rules speak logical paths: absolute, from the top of the mounts, with no `.` or `..` in them.",
            "watchPath = [\"* dailies\", \"+ /acme/../x\"]",
            "watchPath = [\"* /dailies\", \"+ /x\"]",
            "Write the path as callbacks show it: the mount's path first, not the directory on disk.",
        ),
        Code::BadGlob => (
            "A path with * ? [ or { in it is a glob, and this one is not complete.",
            "watchPath = ['* /acme/[a']",
            "watchPath = ['* /acme/\\[a']",
            "Close the bracket or brace; or, where the character is a part of the name, put a backslash before it.",
        ),
        Code::BadClause => (
            "A watchMetadata clause is a key, an operator and a value. Operators: == = != > >= < <= =~ !~.",
            "watchMetadata = [\"City: SFO\", \"Rating\"]",
            "watchMetadata = [\"City==SFO\", \"Rating==*\"]",
            "Write Key==value; Key==* for any new value, Key!=* for its removal. Quote a key or value that has an operator in it.",
        ),
        Code::BadUrl => (
            "A callback is a whole http or https URL, without a user name and without a fragment.",
            "callback = \"127.0.0.1:8874/hook\"",
            "callback = \"http://127.0.0.1:8874/hook\"",
            "Begin it with http:// or https://. Send a user and password as header = [\"Authorization: Basic ...\"].",
        ),
        Code::BadHeader => (
            "A header is a name, a colon and a value, in printable ASCII.",
            "header = [\"X-Site sfo\"]",
            "header = [\"X-Site: sfo\"]",
            "Add the colon right behind the name, and take line ends and accents out of the value.",
        ),
        Code::ReservedHeader => (
            "Ringback sets this header itself: a second one would break the request, or what receivers rely on.",
            "header = [\"Host: media.example\"]",
            "header = [\"X-Host: media.example\"]",
            "Remove it. To send the same under another name, write X- before it.",
        ),
        Code::BadQueryParameter => (
            "A query parameter is a key, = and a value. Ringback encodes it.",
            "queryParam = [\"site\"]",
            "queryParam = [\"site=San Francisco\"]",
            "Write key=value, unencoded.",
        ),
        Code::BadDuration => (
            "A duration is one whole number and one unit: ms, s, m, h or d; at most 366d.",
            "linger = \"1.5 minutes\"",
            "linger = \"90s\"",
            "Take the next smaller unit instead of a fraction.",
        ),
        Code::NothingToWatch => (
            "A path without a mode only says where metadata is watched. Without watchMetadata the rule could never fire.",
            "watchPath = [\"/dailies\"]",
            "watchPath = [\"* /dailies\"]",
            "Put a mode before the path (* any, + added, - deleted, ~ modified), or add watchMetadata.",
        ),
        Code::NotComparable => (
            "Order is of plain decimals (-12.5) or of dates (2026-11-22T10:00:00Z). There is nothing else to compare with.",
            "watchMetadata = [\"Rating>=four\"]",
            "watchMetadata = [\"Rating>=4\"]",
            "Write a number without an exponent, or a date that exists; for texts use == or =~.",
        ),
        Code::BadRegex => (
            "The regular expression cannot be read, or would take too much memory. It has no look-around and no back references.",
            "watchMetadata = ['City=~(SFO|LAX']",
            "watchMetadata = ['City=~^(SFO|LAX)$']",
            "See https://docs.rs/regex/#syntax. In TOML put it in single quotes, so that backslashes stay.",
        ),
        Code::BadWhen => (
            "`when` is one expression: comparisons joined by `and`, `or`, `not` and parentheses. It stopped making sense at the marked place.",
            "when = 'Rating => 4 AND ext == mov'",
            "when = 'Rating >= 4 and ext == mov'",
            "Write and, or, not in small letters, and a comparison such as Rating >= 4, City in (SFO, LAX), path like \"/acme/**\" or touched(City) on either side.",
        ),
        Code::UnknownEvent => (
            "A subscription asks for an event by a name that no `[[event]]` declares and that is not built in: it would never be told.",
            "events = [\"malware_scan_compleet\"]",
            "events = [\"asset.added\"]",
            "Correct the name, or declare it in any rule file: [[event]] and name = \"...\".",
        ),
        Code::BadTemplate => (
            "A payload template has something in braces that is not known, or a brace that is not closed.",
            "[[event]]\nname = \"scanned\"\nwatchMetadata = [\"Scan==*\"]\n[event.fields]\nresult = \"{metadata.Scan\"",
            "[[event]]\nname = \"scanned\"\nwatchMetadata = [\"Scan==*\"]\n[event.fields]\nresult = \"{metadata.Scan}\"",
            "Write one of the placeholders that the message lists; {{ and }} stand for the braces themselves.",
        ),
        Code::BadSecret => (
            "A secret is named by reference, so that it stands in no rule file: a file, or a variable of the daemon's environment. It must be there, and not be empty.",
            "secret = \"file:\"",
            "secret = \"file:/run/secrets/dailies\"",
            "Write file: and a path, or env: and a variable's name, and see that the daemon's user may read it.",
        ),
        Code::KeysExclude => (
            "`when` says all by itself; beside watchPath, watchMetadata or logicalOperand it would not be clear which of them counts.",
            "when = 'Rating >= 4'\nwatchPath = [\"* /dailies\"]",
            "when = 'Rating >= 4 and path like \"/dailies/**\"'",
            "Keep one of the two. A watchPath becomes path like \"...\" and action in (...); a clause of watchMetadata stays as it is.",
        ),
        Code::RulesGone => (
            "Rules do not go by accident: where the files that they came from are gone or empty, or cannot be read, the last good rules stay in force.",
            "ls: /etc/ringback/rules: No such file or directory",
            "/etc/ringback/rules/dailies.toml",
            "Bring the files back, or mend their permissions. To have no rules, leave one file there with a comment alone.",
        ),
        Code::NeverTrue => (
            "The clause is well formed, but nothing can ever make it true. The rest of the rule works.",
            "watchPath = [\"* /acme/*/\"]",
            "watchPath = [\"* /acme/*/**\"]",
            "Write what was meant: no asset's path ends with a slash, so a glob that does covers nothing.",
        ),
        Code::StraySpace => (
            "The space at the end counts: only names or values that end with one are like this.",
            "watchMetadata = [\"City==SFO \"]",
            "watchMetadata = [\"City==SFO\"]",
            "Remove it. If it is meant, put the value in double quotes, or a backslash before it in a path. Two paths are two clauses.",
        ),
        Code::OperatorInValue => (
            "A clause is one comparison: an operator, a negation or a further clause beside it is taken as a part of the key or the value.",
            "watchMetadata = [\"Rating=>4\"]",
            "watchMetadata = [\"Rating>=4\"]",
            "Write the operator as it is, == = != > >= < <= =~ !~, and each clause as a text of its own. If it is meant, put the value in double quotes.",
        ),
        Code::PartialDoubleStar => (
            "`**` covers any depth only as a whole component; beside other characters it stops at `/` like `*`.",
            "watchPath = [\"* /acme/**.mov\"]",
            "watchPath = [\"* /acme/**/*.mov\"]",
            "Put it between slashes.",
        ),
        Code::NoRules => (
            "The daemon watches and keeps its catalog, but there is nobody to call.",
            "state = \"/var/lib/ringback\"",
            "state = \"/var/lib/ringback\"\nrules = \"/etc/ringback/rules\"",
            "Name the rules directory in ringback.toml, or give --rules DIR.",
        ),
        Code::KeyLikeFact => (
            "A key without capitals, of the name of a fact or almost (action, path, name, ext, dir, size, mtime, owner, mount, tenant), is probably meant to be the fact, for which there is `when`. As a key it is most likely never there.",
            "when = 'exts == mov'",
            "when = 'ext == mov'",
            "Correct the fact's name, or put the key in double quotes if it is meant.",
        ),
        Code::SecretInClear => (
            "Whoever reads the rule files, and their copies and backups, has the secret.",
            "secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"",
            "secret = \"file:/run/secrets/dailies\"",
            "Put the secret into a file that only the daemon's user may read, or into its environment, and name it with file: or env:. Then make a new one: this one has been seen.",
        ),
        Code::Covered => (
            "Another subscription tells the same target of all that this one does, so the receiver hears of it twice.",
            "watchPath = [\"* /dailies\"]\n[[subscription]]\nname = \"b\"\ncallback = \"http://127.0.0.1:8874/a\"\nwatchPath = [\"+ /dailies/day1\"]",
            "watchPath = [\"* /dailies\"]\n[[subscription]]\nname = \"b\"\ncallback = \"http://127.0.0.1:8874/b\"\nwatchPath = [\"+ /dailies/day1\"]",
            "Remove the narrower one, or give it a target of its own.",
        ),
        Code::DuplicateTarget => (
            "Two subscriptions call the same URL by the same method. A file that fires both is told twice, in two batches.",
            "watchPath = [\"* /dailies\"]\n[[subscription]]\nname = \"b\"\ncallback = \"http://127.0.0.1:8874/a\"\nwatchPath = [\"* /stills\"]",
            "watchPath = [\"* /dailies\", \"* /stills\"]",
            "Join the two if one receiver wants both, or tell the URLs apart, such as by ?from=b, if it wants to know which.",
        ),
        Code::PlainHttp => (
            "By plain http everybody on the way reads, and can change, what is told and the headers that prove who tells it.",
            "callback = \"http://hooks.example.com/a\"",
            "callback = \"https://hooks.example.com/a\"",
            "Write https. Loopback and private networks are not warned of.",
        ),
        Code::LinkLocal => (
            "Link-local addresses (169.254.0.0/16, fe80::/10) and some others are where clouds keep their machines' credentials; multicast, unspecified and reserved ones lead to no receiver. None is called, unless `allow` of [delivery] in ringback.toml lists it.",
            "callback = \"http://169.254.169.254/a\"",
            "callback = \"http://10.0.0.7:8874/a\"",
            "Write the receiver's own address. If this one is meant, list it: allow = [\"169.254.7.7\"]; the warning stays.",
        ),
        Code::OutsideMounts => (
            "The rule's path or tenant is in no mount of the configuration, so it will never fire.",
            "watchPath = [\"* /acmee\"]",
            "watchPath = [\"* /acme\"]",
            "Rules speak logical paths: they begin with a [[mount]]'s `path`, not with its `dir`.",
        ),
        Code::MatchesEverything => (
            "The rule fires on every file, or on every metadata change, of all mounts. That can be meant (an audit, a mirror), and is often a forgotten path.",
            "watchPath = [\"* /\"]",
            "watchPath = [\"* /dailies\"]",
            "Name the directory that is meant. If everything is, leave it so: it costs what it tells, and nothing more.",
        ),
        Code::TakenLiterally => (
            "What is special in other languages stands for itself here: single quotes, stars in double quotes, backslashes in paths, braces in URLs.",
            "watchMetadata = [\"City=='SFO'\"]",
            "watchMetadata = [\"City==SFO\"]",
            "Write it as the message says. If the characters themselves are meant, double quotes around a metadata value say so.",
        ),
        Code::AcceptsNothing => (
            "A comment `# ringback: allow CODE` above a rule or an event accepts that warning of it. One that accepts nothing (the \
             warning is gone, the code is no warning's, or there is no rule below it) hides a later mistake.",
            "# ringback: allow RB0113\n[[subscription]]\nname = \"a\"\ncallback = \"http://127.0.0.1:8874/a\"\nwatchPath = [\"* /acme\"]",
            "# ringback: allow RB0113\n[[subscription]]\nname = \"a\"\ncallback = \"http://127.0.0.1:8874/a\"\nwatchPath = [\"* /\"]",
            "Remove the comment, or write it above the rule that is meant. Errors cannot be accepted.",
        ),
        Code::PassedOver => (
            "Rules are read from files whose names end in .toml. One whose name almost does, or that is in another format, is not read, and its rules are not in force.",
            "rules/dailies.tml",
            "rules/dailies.toml",
            "Rename the file. To keep one without reading it, begin its name with a dot, or let it end in anything else, such as .off.",
        ),
        Code::EventNotSent => (
            "`zoom`, which is the format unless the rule says otherwise, is a list of assets. Such an event is in the journal, and never reaches this subscription.",
            "events = [\"mount.offline\"]",
            "events = [\"mount.offline\"]\nformat = \"cloudevents\"",
            "Ask for it in a format that tells events by their names: `cloudevents` or `cloudevents-batch`.",
        ),
        Code::UnknownMetadataKey => (
            "Keys that begin with IPTC_, EXIF_, GPS_ or XMP_ come from files and their sidecars, and none of them has this one. Unless a record gives it, the rule never fires.",
            "watchMetadata = [\"IPTC_Ctiy==SFO\"]",
            "watchMetadata = [\"IPTC_City==SFO\"]",
            "Correct the key: `ringback inspect FILE` shows those of a file, `ringback inspect --keys` all that are known. Keys of the store's own are best named otherwise.",
        ),
        Code::MountsOverlap => (
            "Every file has one logical path. Where mounts overlap it would have two, or one path would have two files.",
            "[[mount]]\npath = \"/acme\"\ndir = \"/srv/media\"\n\n[[mount]]\npath = \"/stills\"\ndir = \"/srv/media/stills\"",
            "[[mount]]\npath = \"/acme\"\ndir = \"/srv/media\"",
            "Mount each directory once, and none below another; rules can tell them apart by path.",
        ),
        Code::NoMount => (
            "There is nothing to watch.",
            "listen = \"127.0.0.1:8873\"",
            "listen = \"127.0.0.1:8873\"\n\n[[mount]]\npath = \"/acme\"\ndir = \"/srv/media/acme\"",
            "Add a [[mount]], or name a directory: ringback serve DIR.",
        ),
        Code::MountInState => (
            "The state directory is never watched, so nothing in this mount would ever be told.",
            "state = \"/srv\"\n\n[[mount]]\npath = \"/acme\"\ndir = \"/srv/media/acme\"",
            "state = \"/var/lib/ringback\"\n\n[[mount]]\npath = \"/acme\"\ndir = \"/srv/media/acme\"",
            "Keep the state elsewhere, on a local disk. It may lie in a mount, but no mount in it.",
        ),
        Code::BadAddress => (
            "An address to listen on is an IP address and a port, and what callbacks may reach is listed by networks in \
             CIDR notation; names are not looked up.",
            "listen = \"localhost:8873\"\n\n[delivery]\nallow = [\"10.8.0.1/16\"]",
            "listen = \"127.0.0.1:8873\"\n\n[delivery]\nallow = [\"10.8.0.0/16\"]",
            "Write 127.0.0.1:8873 to listen on this machine only, [::]:8873 for all interfaces. Of a network write its first address, and how many bits are fixed.",
        ),
        Code::BadDigest => (
            "The configuration holds the SHA-256 of a token, not the token: 64 hexadecimal digits.",
            "[[principal]]\nname = \"jo\"\nrole = \"super-administrator\"\ntoken_sha256 = \"example\"",
            "[[principal]]\nname = \"jo\"\nrole = \"super-administrator\"\n\
             token_sha256 = \"0c7ea0ff1b2b5a2c8f8e8a4f3a8a9e0b3d7f6f0c5b1f4a2e9d8c7b6a59483726\"",
            "`ringback token` prints such a block; or: printf %s TOKEN | sha256sum.",
        ),
        Code::MissingDirectory => (
            "Nothing is watched where there is no directory. The daemon serves the other mounts, and this one is offline \
             until its directory appears: right for a disk that is not mounted yet, and silent where the path is mistyped.",
            "[[mount]]\npath = \"/acme\"\ndir = \"/srv/medai/acme\"",
            "[[mount]]\npath = \"/acme\"\ndir = \"/srv/media/acme\"",
            "Make or mount the directory, or mend the path.",
        ),
        Code::BadCaFile => (
            "Callbacks by https are verified with the platform's certificates and those of this file. Without one that is \
             named here every delivery that needs it would fail, so ringback does not start.",
            "[delivery]\nca_file = \"/etc/ringback/ca.der\"",
            "[delivery]\nca_file = \"/etc/ringback/ca.pem\"",
            "Write a file of PEM certificates that ringback's user can read: openssl x509 -inform der -in ca.der -out ca.pem.",
        ),
        Code::NoTenant => (
            "Every role but super-administrator sees what its tenants have, and nothing else. A tenant that no mount and no \
             [[tenant]] has is probably mistyped.",
            "[[mount]]\npath = \"/acme\"\ndir = \"/srv/media/acme\"\n\n[[principal]]\nname = \"asset-store\"\nrole = \"operator\"\n\
             token_sha256 = \"0c7ea0ff1b2b5a2c8f8e8a4f3a8a9e0b3d7f6f0c5b1f4a2e9d8c7b6a59483726\"",
            "[[mount]]\npath = \"/acme\"\ndir = \"/srv/media/acme\"\ntenant = \"acme\"\n\n[[principal]]\nname = \"asset-store\"\n\
             role = \"operator\"\ntenants = [\"acme\"]\n\
             token_sha256 = \"0c7ea0ff1b2b5a2c8f8e8a4f3a8a9e0b3d7f6f0c5b1f4a2e9d8c7b6a59483726\"",
            "Give the mounts, the rules and the principal the same tenant. Where rules alone have it, add a [[tenant]] with its name.",
        ),
        Code::BadTlsFile => (
            "The API is to speak TLS with this certificate and this key, and never speaks plain HTTP instead.",
            "[tls]\ncert = \"/etc/ringback/cert.der\"\nkey = \"/etc/ringback/key.der\"",
            "[tls]\ncert = \"/etc/ringback/cert.pem\"\nkey = \"/etc/ringback/key.pem\"",
            "Write PEM files that ringback's user can read: the certificate with those between it and its authority, and the key of the first.",
        ),
        Code::PublicToken => (
            "The documentation's samples show this digest, so everybody can know its token.",
            "[[principal]]\nname = \"jo\"\nrole = \"super-administrator\"\n\
             token_sha256 = \"50d858e0985ecc7f60418aaf0cc5ab587f42c2570a884095a9e8ccacd0f6545c\"",
            "[[principal]]\nname = \"jo\"\nrole = \"super-administrator\"\n\
             token_sha256 = \"0c7ea0ff1b2b5a2c8f8e8a4f3a8a9e0b3d7f6f0c5b1f4a2e9d8c7b6a59483726\"",
            "Make a token of your own: ringback token --name jo --role super-administrator.",
        ),
        Code::NobodyReadsStatus => (
            "A recorder reports what the store knows, and may not read how ringback is doing. Where all principals are recorders, \
             the one who can is whoever may read the token in the state directory: no monitoring elsewhere, no `ringback status` from another machine.",
            "[[tenant]]\nname = \"acme\"\n\n[[principal]]\nname = \"asset-store\"\n\
             role = \"recorder\"\ntenants = [\"acme\"]\n\
             token_sha256 = \"0c7ea0ff1b2b5a2c8f8e8a4f3a8a9e0b3d7f6f0c5b1f4a2e9d8c7b6a59483726\"",
            "[[tenant]]\nname = \"acme\"\n\n[[principal]]\nname = \"asset-store\"\n\
             role = \"reader\"\ntenants = [\"acme\"]\n\
             token_sha256 = \"0c7ea0ff1b2b5a2c8f8e8a4f3a8a9e0b3d7f6f0c5b1f4a2e9d8c7b6a59483726\"",
            "Add a principal that may, such as one with the role reader for monitoring, or an operator.",
        ),
        Code::BadExiftool => (
            "What the built-in readers do not know is asked of this program. With a path that is no program ringback does not \
             start; with \"auto\", and none in PATH, it goes on without.",
            "[metadata]\nexiftool = \"/usr/local/bin/exiftol\"",
            "[metadata]\nexiftool = \"auto\"",
            "Install Debian's libimage-exiftool-perl, and write \"auto\" or the path of the program.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{Explanation, find};
    use crate::diagnostic::Code;

    #[test]
    fn every_code_is_explained_in_a_few_lines() {
        for code in Code::ALL {
            let explanation = Explanation::of(*code);
            let text = explanation.to_string();
            assert!(text.contains(&format!("[{code}]: {}", code.meaning())), "{text}");
            assert!(text.lines().count() <= 28 && text.ends_with('.') && explanation.why.ends_with('.'), "{text}");
            assert_ne!(explanation.wrong, explanation.right, "{text}");
        }
    }

    #[test]
    fn codes_are_found_however_they_are_written() {
        for (text, expect) in [
            ("RB0012", Ok(Code::BadClause)),
            ("rb12", Ok(Code::BadClause)),
            (" [RB0012] ", Ok(Code::BadClause)),
            ("204", Ok(Code::BadDigest)),
            ("RB0013", Err("RB0012")),
            ("RB0150", Err("RB0118")),
            ("RB9999", Err("RB0211")),
            ("RB99999999", Err("RB0001")),
            ("RB0O12", Err("RB0012")),
            ("", Err("RB0001")),
        ] {
            assert_eq!(find(text), expect.map_err(str::to_owned), "{text}");
        }
    }
}
