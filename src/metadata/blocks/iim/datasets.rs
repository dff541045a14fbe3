//! The datasets of IIM: their numbers, their names and what their bytes are. Decodes nothing.
//!
//! Numbers, formats and whether a dataset repeats: IPTC-NAA Information Interchange Model 4.2 (records 1, 2, 7, 8 and
//! 9) and IPTC-NAA Digital Newsphoto Parameter Record 4.0 (record 3). Datasets 2:184 to 2:188 and 2:221 to 2:255 are
//! not in the standard; photo programs write them. The names are ExifTool's (Image::ExifTool::TagNames, "IPTC Tags"),
//! and so is whether a dataset repeats where programs and the standard disagree.

/// What the bytes of a dataset are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Characters of the block's character set.
    Text,
    /// A date: `CCYYMMDD`.
    Date,
    /// A time of day: `HHMMSS+HHMM`.
    Time,
    /// A big-endian number without a sign.
    Number,
    /// Escape sequences that say the character set of what follows.
    Charset,
    /// Bytes that mean nothing to a reader of metadata: previews, tables, the object itself.
    Binary,
}

/// One kind of dataset.
#[derive(Debug, PartialEq, Eq)]
pub struct Dataset {
    /// The number of the record.
    pub record: u8,
    /// The number of the dataset within its record.
    pub number: u8,
    /// ExifTool's name.
    pub name: &'static str,
    /// What its bytes are.
    pub kind: Kind,
    /// It may occur several times, once for each value.
    pub is_repeatable: bool,
}

/// The place of a dataset in [`DATASETS`], and the dataset.
#[must_use]
pub fn find(record: u8, number: u8) -> Option<(usize, &'static Dataset)> {
    let place = DATASETS.binary_search_by_key(&(record, number), |dataset| (dataset.record, dataset.number)).ok()?;
    DATASETS.get(place).map(|dataset| (place, dataset))
}

const fn text(record: u8, number: u8, name: &'static str) -> Dataset {
    Dataset { record, number, name, kind: Kind::Text, is_repeatable: false }
}

const fn texts(record: u8, number: u8, name: &'static str) -> Dataset {
    Dataset { record, number, name, kind: Kind::Text, is_repeatable: true }
}

const fn date(record: u8, number: u8, name: &'static str) -> Dataset {
    Dataset { record, number, name, kind: Kind::Date, is_repeatable: false }
}

const fn dates(record: u8, number: u8, name: &'static str) -> Dataset {
    Dataset { record, number, name, kind: Kind::Date, is_repeatable: true }
}

const fn time(record: u8, number: u8, name: &'static str) -> Dataset {
    Dataset { record, number, name, kind: Kind::Time, is_repeatable: false }
}

const fn number(record: u8, number: u8, name: &'static str) -> Dataset {
    Dataset { record, number, name, kind: Kind::Number, is_repeatable: false }
}

const fn charset(record: u8, number: u8, name: &'static str) -> Dataset {
    Dataset { record, number, name, kind: Kind::Charset, is_repeatable: false }
}

const fn binary(record: u8, number: u8, name: &'static str) -> Dataset {
    Dataset { record, number, name, kind: Kind::Binary, is_repeatable: false }
}

/// How many datasets have a name.
pub const COUNT: usize = 116;

/// All datasets that have a name, by record and number. `texts` and `dates` are those that repeat.
pub static DATASETS: [Dataset; COUNT] = [
    // Envelope record.
    number(1, 0, "EnvelopeRecordVersion"),
    texts(1, 5, "Destination"),
    number(1, 20, "FileFormat"),
    number(1, 22, "FileVersion"),
    text(1, 30, "ServiceIdentifier"),
    text(1, 40, "EnvelopeNumber"),
    texts(1, 50, "ProductID"),
    text(1, 60, "EnvelopePriority"),
    date(1, 70, "DateSent"),
    time(1, 80, "TimeSent"),
    charset(1, 90, "CodedCharacterSet"),
    text(1, 100, "UniqueObjectName"),
    number(1, 120, "ARMIdentifier"),
    number(1, 122, "ARMVersion"),
    // Application record.
    number(2, 0, "ApplicationRecordVersion"),
    text(2, 3, "ObjectTypeReference"),
    texts(2, 4, "ObjectAttributeReference"),
    text(2, 5, "ObjectName"),
    text(2, 7, "EditStatus"),
    text(2, 8, "EditorialUpdate"),
    text(2, 10, "Urgency"),
    texts(2, 12, "SubjectReference"),
    text(2, 15, "Category"),
    texts(2, 20, "SupplementalCategories"),
    text(2, 22, "FixtureIdentifier"),
    texts(2, 25, "Keywords"),
    texts(2, 26, "ContentLocationCode"),
    texts(2, 27, "ContentLocationName"),
    date(2, 30, "ReleaseDate"),
    time(2, 35, "ReleaseTime"),
    date(2, 37, "ExpirationDate"),
    time(2, 38, "ExpirationTime"),
    text(2, 40, "SpecialInstructions"),
    text(2, 42, "ActionAdvised"),
    texts(2, 45, "ReferenceService"),
    dates(2, 47, "ReferenceDate"),
    texts(2, 50, "ReferenceNumber"),
    date(2, 55, "DateCreated"),
    time(2, 60, "TimeCreated"),
    date(2, 62, "DigitalCreationDate"),
    time(2, 63, "DigitalCreationTime"),
    text(2, 65, "OriginatingProgram"),
    text(2, 70, "ProgramVersion"),
    text(2, 75, "ObjectCycle"),
    texts(2, 80, "By-line"),
    texts(2, 85, "By-lineTitle"),
    text(2, 90, "City"),
    text(2, 92, "Sub-location"),
    text(2, 95, "Province-State"),
    text(2, 100, "Country-PrimaryLocationCode"),
    text(2, 101, "Country-PrimaryLocationName"),
    text(2, 103, "OriginalTransmissionReference"),
    text(2, 105, "Headline"),
    text(2, 110, "Credit"),
    text(2, 115, "Source"),
    text(2, 116, "CopyrightNotice"),
    texts(2, 118, "Contact"),
    text(2, 120, "Caption-Abstract"),
    text(2, 121, "LocalCaption"),
    texts(2, 122, "Writer-Editor"),
    binary(2, 125, "RasterizedCaption"),
    text(2, 130, "ImageType"),
    text(2, 131, "ImageOrientation"),
    text(2, 135, "LanguageIdentifier"),
    text(2, 150, "AudioType"),
    text(2, 151, "AudioSamplingRate"),
    text(2, 152, "AudioSamplingResolution"),
    text(2, 153, "AudioDuration"),
    text(2, 154, "AudioOutcue"),
    text(2, 184, "JobID"),
    text(2, 185, "MasterDocumentID"),
    text(2, 186, "ShortDocumentID"),
    text(2, 187, "UniqueDocumentID"),
    text(2, 188, "OwnerID"),
    number(2, 200, "ObjectPreviewFileFormat"),
    number(2, 201, "ObjectPreviewFileVersion"),
    binary(2, 202, "ObjectPreviewData"),
    text(2, 221, "Prefs"),
    text(2, 225, "ClassifyState"),
    text(2, 228, "SimilarityIndex"),
    text(2, 230, "DocumentNotes"),
    text(2, 231, "DocumentHistory"),
    text(2, 232, "ExifCameraInfo"),
    texts(2, 255, "CatalogSets"),
    // Digital newsphoto parameter record.
    number(3, 0, "NewsPhotoVersion"),
    text(3, 10, "IPTCPictureNumber"),
    number(3, 20, "IPTCImageWidth"),
    number(3, 30, "IPTCImageHeight"),
    number(3, 40, "IPTCPixelWidth"),
    number(3, 50, "IPTCPixelHeight"),
    number(3, 55, "SupplementalType"),
    number(3, 60, "ColorRepresentation"),
    number(3, 64, "InterchangeColorSpace"),
    number(3, 65, "ColorSequence"),
    binary(3, 66, "ICC_Profile"),
    binary(3, 70, "ColorCalibrationMatrix"),
    binary(3, 80, "LookupTable"),
    number(3, 84, "NumIndexEntries"),
    binary(3, 85, "ColorPalette"),
    number(3, 86, "IPTCBitsPerSample"),
    number(3, 90, "SampleStructure"),
    number(3, 100, "ScanningDirection"),
    number(3, 102, "IPTCImageRotation"),
    number(3, 110, "DataCompressionMethod"),
    number(3, 120, "QuantizationMethod"),
    binary(3, 125, "EndPoints"),
    number(3, 130, "ExcursionTolerance"),
    number(3, 135, "BitsPerComponent"),
    number(3, 140, "MaximumDensityRange"),
    number(3, 145, "GammaCompensatedValue"),
    // Pre-object data descriptor record.
    number(7, 10, "SizeMode"),
    number(7, 20, "MaxSubfileSize"),
    number(7, 90, "ObjectSizeAnnounced"),
    number(7, 95, "MaximumObjectSize"),
    // Object data record.
    binary(8, 10, "SubFile"),
    // Post-object data descriptor record.
    number(9, 10, "ConfirmedObjectSize"),
];

#[cfg(test)]
mod tests {
    use super::{DATASETS, Kind, find};

    #[test]
    fn the_table_is_sorted() {
        assert!(DATASETS.is_sorted_by_key(|dataset| (dataset.record, dataset.number)));
        for (place, dataset) in DATASETS.iter().enumerate() {
            assert_eq!(find(dataset.record, dataset.number), Some((place, dataset)));
        }
    }

    #[test]
    fn datasets_are_found_by_their_numbers() {
        let name = |record, number| find(record, number).map(|(_, dataset)| dataset.name);
        assert_eq!(name(2, 90), Some("City"));
        assert_eq!(name(1, 90), Some("CodedCharacterSet"));
        assert_eq!(name(2, 91), None);
        assert_eq!(name(4, 5), None);
        let (_, keywords) = find(2, 25).expect("a dataset");
        assert!(keywords.is_repeatable && keywords.kind == Kind::Text);
    }
}
