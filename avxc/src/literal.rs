//! Blocks of bytes that the command line gives as typed values: "f32:2.0 u32:1000 pad:8".

use crate::dtype::Dtype;

/// The largest size of a block in bytes, which is also the limit of the library.
const MOST: usize = 65536;

/// The bytes of the values. Each value is aligned to its size, as in a C struct. The error is a message for the user.
pub(crate) fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    for word in text.split_whitespace() {
        let (name, values) = word.split_once(':').ok_or_else(|| format!("'{word}': write TYPE:VALUE, such as f32:2.0"))?;
        if name == "pad" {
            let count = values.parse().ok().filter(|&count: &usize| count <= MOST);
            let count = count.ok_or_else(|| format!("'{word}': pad: takes a number of bytes, at most {MOST}"))?;
            out.resize(out.len() + count, 0);
        } else {
            let dtype =
                Dtype::named(name).ok_or_else(|| format!("'{word}': '{name}' is not a type; the types are {}, and pad", Dtype::names()))?;
            out.resize(out.len().next_multiple_of(dtype.size()), 0);
            for value in values.split(',') {
                if !dtype.push(value, &mut out) {
                    return Err(format!("'{word}': '{value}' is not a value of type {name}"));
                }
            }
        }
        if out.len() > MOST {
            return Err(format!("the values take more than {MOST} bytes, which is the limit for a block"));
        }
    }
    if out.is_empty() { Err("there are no values; write TYPE:VALUE, such as f32:2.0".into()) } else { Ok(out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_as_in_a_c_struct() {
        assert_eq!(bytes("f32:2.0 u32:1000"), Ok([2.0f32.to_le_bytes(), 1000u32.to_le_bytes()].concat()));
        assert_eq!(bytes("u8:1 u32:2"), Ok(vec![1, 0, 0, 0, 2, 0, 0, 0]));
        assert_eq!(bytes(" u16:1,2,3  u8:4 "), Ok(vec![1, 0, 2, 0, 3, 0, 4]));
        assert_eq!(bytes("u32:1 pad:4"), Ok(vec![1, 0, 0, 0, 0, 0, 0, 0]));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, word) in [
            ("2.0", "'2.0'"),
            ("float:2.0", "'float'"),
            ("f32:two", "'two'"),
            ("u32:1,", "''"),
            ("u8:256", "'256'"),
            ("pad:x", "pad:"),
            ("pad:99999999999", "pad:"),
            ("pad:65536 u8:1", "65536"),
            ("  ", "no values"),
        ] {
            assert!(bytes(text).is_err_and(|why| why.contains(word)), "{text}");
        }
    }
}
