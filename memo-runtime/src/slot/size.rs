//! How large a value in memory is, as far as its type tells.

use std::any::Any;
use std::mem::size_of;
use std::path::PathBuf;

/// Returns how many bytes a value takes: its own, and for texts and lists of numbers what they point to. What
/// other types point to is not known, so of those this is the least.
pub(crate) fn of<T: Any>(value: &T) -> u64 {
    (size_of::<T>() + behind(value)) as u64
}

/// The bytes of a list, or of a list of lists.
fn list<N: 'static>(value: &dyn Any) -> Option<usize> {
    let of_one = |list: &Vec<N>| list.capacity() * size_of::<N>();
    if let Some(list) = value.downcast_ref::<Vec<N>>() {
        return Some(of_one(list));
    }
    let lists = value.downcast_ref::<Vec<Vec<N>>>()?;
    Some(lists.capacity() * size_of::<Vec<N>>() + lists.iter().map(of_one).sum::<usize>())
}

fn behind(value: &dyn Any) -> usize {
    let lists: [fn(&dyn Any) -> Option<usize>; 16] = [
        list::<u8>,
        list::<u16>,
        list::<u32>,
        list::<u64>,
        list::<u128>,
        list::<usize>,
        list::<i8>,
        list::<i16>,
        list::<i32>,
        list::<i64>,
        list::<i128>,
        list::<isize>,
        list::<f32>,
        list::<f64>,
        list::<bool>,
        list::<char>,
    ];
    if let Some(size) = lists.iter().find_map(|list| list(value)) {
        return size;
    }
    if let Some(text) = value.downcast_ref::<String>() {
        return text.capacity();
    }
    if let Some(texts) = value.downcast_ref::<Vec<String>>() {
        let inside = texts.iter().map(String::capacity).sum::<usize>();
        return texts.capacity() * size_of::<String>() + inside;
    }
    value.downcast_ref::<PathBuf>().map_or(0, PathBuf::capacity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_lists_of_numbers_count_with_what_they_point_to() {
        struct Unknown(#[expect(dead_code, reason = "its size is what counts")] Vec<u8>);
        let list = size_of::<Vec<u8>>() as u64;
        assert_eq!(of(&7_u64), 8);
        assert_eq!(of(&[0_u32; 5]), 20);
        assert_eq!(of(&vec![0_u8; 1000]), list + 1000);
        assert_eq!(of(&vec![0.0_f64; 1000]), list + 8000);
        assert_eq!(of(&vec![vec![0_u16; 10]; 3]), list + 3 * (list + 20));
        assert_eq!(of(&String::from("four")), list + 4);
        assert_eq!(of(&vec![String::from("four")]), list + list + 4);
        assert_eq!(of(&Unknown(vec![0; 1000])), list, "the least");
    }
}
