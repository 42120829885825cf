//! The words of a column over several files.

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, DictionaryArray, Int32Array, StringArray};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::error::Error;

/// Each word once, in the order in which they were added.
#[derive(Default)]
pub(super) struct Words {
    text: String,
    ends: Vec<i32>,
    known: HashTable<i32>,
    hash: RandomState,
    array: std::sync::OnceLock<ArrayRef>,
}

impl Words {
    fn word<'a>(text: &'a str, ends: &[i32], place: i32) -> &'a str {
        let place = place as usize;
        let begin = place.checked_sub(1).map_or(0, |before| ends[before]);
        &text[begin as usize..ends[place] as usize]
    }

    /// The place of a word, which is new or not.
    pub(super) fn add(&mut self, word: &str) -> Result<i32, Error> {
        if let Some(place) = self.place(word) {
            return Ok(place);
        }
        let too_many = || Error::Unfit("words of a column are more than 2 GiB".into());
        let end = i32::try_from(self.text.len() + word.len()).map_err(|_| too_many())?;
        let place = self.ends.len() as i32;
        self.text.push_str(word);
        self.ends.push(end);
        let hash = |place: &i32| self.hash.hash_one(Self::word(&self.text, &self.ends, *place));
        self.known.insert_unique(self.hash.hash_one(word), place, hash);
        Ok(place)
    }

    /// The place of a word that was added.
    pub(super) fn place(&self, word: &str) -> Option<i32> {
        let same = |place: &i32| Self::word(&self.text, &self.ends, *place) == word;
        self.known.find(self.hash.hash_one(word), same).copied()
    }

    /// All of them; none is added afterwards.
    pub(super) fn array(&self) -> ArrayRef {
        let array = self.array.get_or_init(|| {
            let mut offsets = Vec::with_capacity(self.ends.len() + 1);
            offsets.push(0);
            offsets.extend_from_slice(&self.ends);
            let text = Buffer::from_slice_ref(self.text.as_bytes());
            Arc::new(StringArray::new(OffsetBuffer::new(ScalarBuffer::from(offsets)), text, None))
        });
        Arc::clone(array)
    }
}

/// The places of a dictionary's words. Batches of a file mostly have the one before's.
#[derive(Default, Clone)]
pub(super) struct Places {
    of: Option<ArrayRef>,
    places: Vec<i32>,
}

impl Places {
    /// They are those of this dictionary from now on; `place` finds one.
    pub(super) fn renew(
        &mut self,
        dictionary: &DictionaryArray<Int32Type>,
        mut place: impl FnMut(&str) -> Result<i32, Error>,
    ) -> Result<(), Error> {
        let values = dictionary.values();
        if self.of.as_ref().is_some_and(|of| of.to_data().ptr_eq(&values.to_data())) {
            return Ok(());
        }
        self.places.clear();
        for word in values.as_string::<i32>() {
            self.places.push(place(word.unwrap_or_default())?);
        }
        self.of = Some(Arc::clone(values));
        Ok(())
    }

    /// The place of each row's word.
    pub(super) fn of_rows(&self, dictionary: &DictionaryArray<Int32Type>) -> Int32Array {
        // What stands where there is no value may be anything.
        dictionary.keys().unary(|key| self.places.get(key as usize).copied().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_has_one_place() {
        let mut words = Words::default();
        let places: Vec<i32> =
            ["b", "", "a", "b", "ab", ""].iter().map(|word| words.add(word).unwrap()).collect();
        assert_eq!(places, [0, 1, 2, 0, 3, 1]);
        assert_eq!((words.place("ab"), words.place("ba")), (Some(3), None));
        let array = words.array();
        assert_eq!(array.as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["b", "", "a", "ab"]);
    }

    #[test]
    fn places_are_those_of_the_dictionary_at_hand() {
        let mut words = Words::default();
        let mut places = Places::default();
        let mut of = |rows: &[Option<&str>]| {
            let dictionary: DictionaryArray<Int32Type> = rows.iter().copied().collect();
            places.renew(&dictionary, |word| words.add(word)).unwrap();
            places.of_rows(&dictionary).iter().collect::<Vec<_>>()
        };
        assert_eq!(of(&[Some("x"), None, Some("y"), Some("x")]), [Some(0), None, Some(1), Some(0)]);
        assert_eq!(of(&[Some("z"), Some("y")]), [Some(2), Some(1)]);
    }
}
