//! Telling whether two places hold the same type.

use std::any::TypeId;
use std::marker::PhantomData;
use std::mem;

/// Returns the identity of a type, whatever its lifetimes.
///
/// What a place holds is known by the visitor that its `Deserialize` brings. Visitors borrow, so
/// `TypeId::of` does not take them; `type_name` would, but confuses types of one name. This is how the
/// `typeid` crate does it.
pub(super) fn of<T: ?Sized>() -> TypeId {
    trait Identified {
        fn identity(&self) -> TypeId
        where
            Self: 'static;
    }

    impl<T: ?Sized> Identified for PhantomData<T> {
        fn identity(&self) -> TypeId
        where
            Self: 'static,
        {
            TypeId::of::<T>()
        }
    }

    let phantom = PhantomData::<T>;
    let short: &dyn Identified = &phantom;
    // SAFETY: only the lifetime bound of the trait object changes, which has no representation. It is
    // there to call `identity`, which reads no value of `T`: lifetimes are erased before code for it is
    // made, and what it returns is the same for all of them.
    let long = unsafe { mem::transmute::<&dyn Identified, &(dyn Identified + 'static)>(short) };
    long.identity()
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn lifetimes_make_no_difference_and_parameters_do() {
        fn of_borrowed<'a>(_: &'a str) -> std::any::TypeId {
            of::<Vec<&'a str>>()
        }
        let local = String::from("shorter than static");
        assert_eq!(of_borrowed(&local), of::<Vec<&'static str>>());
        assert_ne!(of::<Vec<u8>>(), of::<Vec<i8>>());
    }
}
