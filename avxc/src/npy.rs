//! NumPy's .npy format: a magic number, a version, the length of the header, the header (a Python dictionary as text), and the elements.

use crate::array::{Array, byte_size};
use crate::dtype::Dtype;

/// The first bytes of every file.
const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The largest number of dimensions, which is also the limit of NumPy.
const MAX_DIMENSIONS: usize = 64;

/// The content of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<u64>,
}

/// Parses a file. The error is a message for the user.
pub(crate) fn read(mut file: Vec<u8>) -> Result<Array, String> {
    if !file.starts_with(MAGIC) {
        return Err("this is not a .npy file: it does not start with \\x93NUMPY".into());
    }
    let (start, length) = match file.get(6..8) {
        Some([1, 0]) => (10, file.get(8..10).map(|bytes| u64::from(bytes[0]) | u64::from(bytes[1]) << 8)),
        Some([2 | 3, 0]) => (12, file.get(8..12).map(|bytes| bytes.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))),
        Some([major, minor]) => {
            return Err(format!("version {major}.{minor} of the .npy format is unknown; the known versions are 1.0, 2.0 and 3.0"));
        }
        _ => return Err("the file ends in its first line".into()),
    };
    let data = length.and_then(|length| usize::try_from(length.checked_add(start as u64)?).ok());
    let Some((data, header)) = data.and_then(|data| Some((data, file.get(start..data)?))) else {
        return Err("the file ends within its header".into());
    };
    let text = str::from_utf8(header).map_err(|_| "the header is not text".to_owned())?;
    let header = Reader(text).header().map_err(|why| format!("the header is damaged: {why}"))?;
    let dtype = dtype(&header.descr)?;
    if header.fortran_order && header.shape.len() > 1 {
        return Err("the array is in Fortran order: save it in C order, np.save(file, np.ascontiguousarray(a))".into());
    }
    file.drain(..data);
    let wanted = byte_size(dtype, &header.shape).ok_or("the shape has more elements than fit any memory")?;
    let there = file.len() as u64;
    if there != wanted {
        let (far, which) = if there < wanted { (wanted - there, "fewer") } else { (there - wanted, "more") };
        let array = Array { dtype, shape: header.shape, bytes: Vec::new() };
        return Err(format!("the file holds {far} bytes {which} than the {wanted} of its array, {}", array.describe()));
    }
    Ok(Array { dtype, shape: header.shape, bytes: file })
}

/// The type that `descr` of a header means.
fn dtype(descr: &str) -> Result<Dtype, String> {
    let mut letters = descr.chars();
    let order = letters.next().unwrap_or(' ');
    let code = letters.as_str();
    let known = Dtype::of_code(code);
    match (order, known) {
        ('<' | '=', Some(dtype)) => Ok(dtype),
        ('|', Some(dtype)) if dtype.size() == 1 => Ok(dtype),
        ('>', Some(dtype)) if dtype.size() == 1 => Ok(dtype),
        ('>', Some(dtype)) => {
            Err(format!("the elements are big-endian: save them as little-endian, np.save(file, a.astype('{}'))", dtype.descr()))
        }
        _ if code.starts_with('c') => {
            Err(format!("complex elements ('{descr}') are not supported: save real and imaginary parts as floats, a.view('<f4') or '<f8'"))
        }
        _ if code.starts_with('O') => Err("the elements are Python objects: save numbers, such as a.astype('<f4')".into()),
        _ => Err(format!("elements of type '{descr}' are not supported; the supported types are {}", Dtype::names())),
    }
}

/// Parses a header. The field is the rest of its text.
struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    /// Parses the whole header.
    fn header(mut self) -> Result<Header, String> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        self.expect('{')?;
        while !self.take('}') {
            let key = self.text()?;
            self.expect(':')?;
            let again = match key {
                "descr" => descr.replace(self.descr()?).is_some(),
                "fortran_order" => fortran_order.replace(self.truth()?).is_some(),
                "shape" => shape.replace(self.shape()?).is_some(),
                other => return Err(format!("the key '{}' is unknown", shown(other))),
            };
            if again {
                return Err(format!("'{key}' occurs twice"));
            }
            if !self.take(',') {
                self.expect('}')?;
                break;
            }
        }
        if !self.0.trim_matches([' ', '\n', '\r', '\t', '\0']).is_empty() {
            return Err("there is text after the dictionary".into());
        }
        let missing = |key: &str| format!("'{key}' is missing");
        Ok(Header {
            descr: descr.ok_or_else(|| missing("descr"))?.to_owned(),
            fortran_order: fortran_order.ok_or_else(|| missing("fortran_order"))?,
            shape: shape.ok_or_else(|| missing("shape"))?,
        })
    }

    /// Skips white space, and the character if it comes next. Returns whether it did.
    fn take(&mut self, c: char) -> bool {
        self.0 = self.0.trim_start();
        let rest = self.0.strip_prefix(c);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, c: char) -> Result<(), String> {
        if self.take(c) { Ok(()) } else { Err(format!("'{c}' is missing where it says '{}'", shown(self.0))) }
    }

    /// Parses a text in quotes.
    fn text(&mut self) -> Result<&'a str, String> {
        let quote = if self.take('\'') { '\'' } else { self.expect('"').map(|()| '"')? };
        let (text, rest) = self.0.split_once(quote).ok_or("a text has no closing quote")?;
        self.0 = rest;
        Ok(text)
    }

    /// Parses the type of the elements. A list would mean structs.
    fn descr(&mut self) -> Result<&'a str, String> {
        if self.take('[') {
            return Err("the elements are structs; only plain numbers are supported".into());
        }
        self.text()
    }

    fn truth(&mut self) -> Result<bool, String> {
        self.0 = self.0.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.0.strip_prefix(word) {
                self.0 = rest;
                return Ok(value);
            }
        }
        Err(format!("True or False is missing where it says '{}'", shown(self.0)))
    }

    /// Parses a tuple of numbers.
    fn shape(&mut self) -> Result<Vec<u64>, String> {
        let mut shape = Vec::new();
        self.expect('(')?;
        while !self.take(')') {
            self.0 = self.0.trim_start();
            let digits = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
            let (number, rest) = self.0.split_at(digits);
            shape.push(number.parse().map_err(|_| format!("the shape says '{}' where a number belongs", shown(self.0)))?);
            if shape.len() > MAX_DIMENSIONS {
                return Err(format!("the shape has more than {MAX_DIMENSIONS} dimensions"));
            }
            // Python 2 wrote long integers with an L.
            self.0 = rest.strip_prefix('L').unwrap_or(rest);
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(shape)
    }
}

/// The start of a text, for messages.
fn shown(text: &str) -> String {
    text.chars().take(20).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The bytes of a file of version 1.0.
pub(crate) fn write(array: &Array) -> Vec<u8> {
    let shape: String = array.shape.iter().map(|n| format!("{n}, ")).collect();
    let shape = if array.shape.len() == 1 { shape.trim_end() } else { shape.trim_end_matches(", ") };
    let mut header = format!("{{'descr': '{}', 'fortran_order': False, 'shape': ({shape}), }}", array.dtype.descr());
    // The elements start at a multiple of 64, after a newline.
    let used = MAGIC.len() + 4 + header.len() + 1;
    header.push_str(&" ".repeat(used.next_multiple_of(64) - used));
    header.push('\n');
    let mut file = Vec::with_capacity(MAGIC.len() + 4 + header.len() + array.bytes.len());
    file.extend(MAGIC);
    file.extend([1, 0]);
    // A header has at most 64 numbers of 20 digits, so its length is below 65536.
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(&array.bytes);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of a file with this version, header and elements.
    fn file(version: u8, header: &str, elements: &[u8]) -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        file.extend([version, 0]);
        match version {
            1 => file.extend((header.len() as u16).to_le_bytes()),
            _ => file.extend((header.len() as u32).to_le_bytes()),
        }
        file.extend(header.as_bytes());
        file.extend(elements);
        file
    }

    #[test]
    fn every_version_and_spelling_is_read() {
        for (version, header, shape) in [
            (1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }          \n", &[2, 1][..]),
            (2, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", &[2]),
            (3, "{\"shape\":(2L,1L,1L),\"descr\":\"=f4\",\"fortran_order\":False}", &[2, 1, 1]),
            (1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }\n", &[2]),
        ] {
            let array = read(file(version, header, &[1, 2, 3, 4, 5, 6, 7, 8])).expect(header);
            assert_eq!(array, Array { dtype: Dtype::F32, shape: shape.to_vec(), bytes: vec![1, 2, 3, 4, 5, 6, 7, 8] });
        }
        let scalar = read(file(1, "{'descr': '|b1', 'fortran_order': False, 'shape': ()}", &[1])).expect("a scalar");
        assert_eq!(scalar, Array { dtype: Dtype::Bool, shape: vec![], bytes: vec![1] });
    }

    #[test]
    fn written_files_are_read_back_and_look_like_numpys() {
        let array = Array { dtype: Dtype::F32, shape: vec![3], bytes: vec![0; 12] };
        let file = write(&array);
        assert_eq!(file.len(), 128 + 12);
        assert!(file[10..].starts_with(b"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }  "));
        assert_eq!(file[127], b'\n');
        assert_eq!(read(file), Ok(array));
        for shape in [vec![], vec![0], vec![2, 0, 5], vec![1; 64]] {
            let bytes = vec![7; byte_size(Dtype::U16, &shape).expect("small") as usize];
            let array = Array { dtype: Dtype::U16, shape, bytes };
            let file = write(&array);
            assert_eq!((file.len() - array.bytes.len()) % 64, 0);
            assert_eq!(read(file), Ok(array));
        }
    }

    #[test]
    fn unsupported_files_are_errors_with_the_reason() {
        let say = |header: &str, word: &str| {
            let why = read(file(1, header, &[0; 8])).expect_err(header);
            assert!(why.contains(word), "{header}: {why}");
        };
        say("{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}", "big-endian");
        say("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", "complex");
        say("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "objects");
        say("{'descr': '<U2', 'fortran_order': False, 'shape': (1,)}", "'<U2'");
        say("{'descr': '|f4', 'fortran_order': False, 'shape': (2,)}", "'|f4'");
        say("{'descr': '', 'fortran_order': False, 'shape': (2,)}", "''");
        say("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,)}", "structs");
        say("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1)}", "Fortran");
        say("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", "4 bytes fewer than the 12");
        say("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", "4 bytes more than the 4");
        say("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 2)}", "more elements");
        say("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", "'-2");
        say("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "number");
        say("{'descr': '<f4', 'fortran_order': False}", "'shape' is missing");
        say("{'descr': '<f4', 'descr': '<f4'}", "twice");
        say("{'descr': '<f4', 'mode': 'x'}", "'mode'");
        say("{'descr': '<f4', 'fortran_order': 0}", "True or False");
        say("{'descr': '<f4", "closing quote");
        say("{} x", "after the dictionary");
        say("", "'{' is missing");
        let why = |bytes: &[u8]| read(bytes.to_vec()).expect_err("damaged");
        assert!(why(b"PK\x03\x04").contains("not a .npy"));
        assert!(why(b"\x93NUMPY\x04\x00").contains("4.0"));
        assert!(why(b"\x93NUMPY\x01").contains("ends"));
        assert!(why(b"\x93NUMPY\x01\x00\xff\xff{}").contains("ends within"));
        assert!(why(b"\x93NUMPY\x02\x00\xff\xff\xff\xff").contains("ends within"));
        assert!(why(b"\x93NUMPY\x01\x00\x02\x00\xff\xff").contains("not text"));
    }

    /// Changes every byte of a file in many ways, and cuts the file at every place. The result is an array or an error, never a panic.
    #[test]
    fn damaged_files_are_errors() {
        let whole = write(&Array { dtype: Dtype::I16, shape: vec![2, 3], bytes: (0..12).collect() });
        let mut refused = 0;
        for at in 0..whole.len() {
            refused += u32::from(read(whole[..at].to_vec()).is_err());
            for byte in [0, 1, 0x20, b'\'', b'(', b'9', b'L', b'{', 0x7f, 0x80, 0xff] {
                let mut file = whole.clone();
                file[at] = byte;
                refused += u32::from(read(file.clone()).is_err());
                file.insert(at, byte);
                refused += u32::from(read(file).is_err());
            }
        }
        assert!(refused > whole.len() as u32, "{refused}");
    }
}
