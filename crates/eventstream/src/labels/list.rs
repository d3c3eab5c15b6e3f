use super::Label;
use crate::body::{Fault, in_field};
use crate::cbor::Reader;
use crate::error::LabelError;

/// The labels of one message, in the order sent: an iterator that may be cloned.
///
/// The whole list was found to be sound DAG-CBOR before, so that a bad label does not hide where the next one begins.
#[derive(Debug, Clone)]
pub struct LabelsIter<'a> {
    reader: Reader<'a>,
    left: usize,
}

impl<'a> LabelsIter<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let left = in_field("labels", reader.array())?;
        let labels = Self { reader: reader.clone(), left };
        for _ in 0..left {
            in_field("labels", reader.skip_inside(2))?;
        }
        Ok(labels)
    }
}

impl<'a> Iterator for LabelsIter<'a> {
    type Item = Result<Label<'a>, LabelError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let start = self.reader.position();
        // It was skipped before, by the same rules.
        self.reader.skip_inside(2).ok()?;
        let map = self.reader.input().get(start..self.reader.position())?;
        Some(Label::read(map).map_err(|Fault { field, fault }| LabelError { field, fault }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for LabelsIter<'_> {}
