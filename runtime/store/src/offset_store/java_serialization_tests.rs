use super::*;
use proptest::prelude::*;

/// Made by `tests/java/run OffsetFile NUM_ENTRIES`; the order of the entries is the JVM's.
const JAVA_EMPTY: &[u8] = include_bytes!("../../tests/golden/offset-file-0.bin");
const JAVA_ONE: &[u8] = include_bytes!("../../tests/golden/offset-file-1.bin");
const JAVA_TWENTY: &[u8] = include_bytes!("../../tests/golden/offset-file-20.bin");

fn text(bytes: Option<&Bytes>) -> &str {
    bytes.map_or("null", |bytes| std::str::from_utf8(bytes).expect("text"))
}

#[test]
fn maps_of_java_are_read_and_written_to_the_byte() {
    for (file, num_entries) in [(JAVA_EMPTY, 0), (JAVA_ONE, 1), (JAVA_TWENTY, 20)] {
        let entries = read_hash_map(&Bytes::from_static(file)).expect("Java's own file");
        assert_eq!(entries.len(), num_entries);
        for (key, value) in &entries {
            let key = text(key.as_ref());
            let number = key
                .strip_prefix(r#"["source",{"filename":""#)
                .and_then(|rest| rest.strip_suffix(r#".txt"}]"#))
                .unwrap_or_else(|| panic!("unexpected key {key}"));
            let value = text(value.as_ref());
            if number == "7" {
                assert_eq!(value, "null");
            } else {
                assert_eq!(value, format!(r#"{{"position":{number}}}"#));
            }
        }
        assert_eq!(write_hash_map(&entries).expect("small"), file);
    }
}

#[test]
fn an_array_may_occur_twice() {
    let mut file = JAVA_ONE.to_vec();
    // The value becomes a reference to the key.
    let key_len = r#"["source",{"filename":"0.txt"}]"#.len();
    let value_at = file.len() - 1 - (1 + 5 + 4 + r#"{"position":0}"#.len());
    file.truncate(value_at);
    file.put_u8(TC_REFERENCE);
    file.put_u32(FIRST_ARRAY_HANDLE);
    file.put_u8(TC_ENDBLOCKDATA);
    let entries = read_hash_map(&file.into()).expect("a reference");
    assert_eq!(entries[0].0, entries[0].1);
    assert_eq!(entries[0].0.as_ref().map(Bytes::len), Some(key_len));
}

#[test]
fn every_cut_is_noticed() {
    for num_bytes in 0..JAVA_TWENTY.len() {
        assert_eq!(
            read_hash_map(&Bytes::from_static(&JAVA_TWENTY[..num_bytes])),
            Err(CutOff),
            "{num_bytes}"
        );
    }
}

fn entry() -> impl Strategy<Value = Entry> {
    let bytes =
        || prop::option::of(prop::collection::vec(any::<u8>(), 0..30).prop_map(Bytes::from));
    (bytes(), bytes())
}

proptest! {
    #[test]
    fn maps_read_back(entries in prop::collection::vec(entry(), 0..40)) {
        let file = write_hash_map(&entries).expect("small");
        prop_assert_eq!(read_hash_map(&file.into()), Ok(entries));
    }

    /// The number of entries is bounded by the input too: each takes two bytes of it.
    #[test]
    fn damage_does_no_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let mut file = JAVA_TWENTY.to_vec();
        for (index, byte) in changes {
            let index = index.index(file.len());
            file[index] = byte;
        }
        if let Ok(entries) = read_hash_map(&file.into()) {
            prop_assert!(entries.len() * 2 <= JAVA_TWENTY.len());
        }
    }

    #[test]
    fn garbage_does_no_harm(file in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read_hash_map(&file.into()).is_err());
    }
}
