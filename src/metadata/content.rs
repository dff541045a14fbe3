//! The bytes of a file, wherever they are.

use std::fs::File;
use std::io;

/// The content of an open file: a real one, a slice, or one of the simulation's disk.
pub trait Content {
    /// Bytes in all, as of the open.
    fn size(&self) -> u64;

    /// Reads bytes at an offset, as many as there are room and bytes for. Fewer only at the end.
    ///
    /// # Errors
    /// As the system says.
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// The file once more, for another process to read.
    ///
    /// # Errors
    /// As the system says; also where the content is not that of a file.
    fn file(&self) -> io::Result<File> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Content for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}
