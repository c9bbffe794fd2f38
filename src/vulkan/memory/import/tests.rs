//! Imports pages of the test's own memory on every device of the machine.

use super::*;
use crate::vulkan::loader::instance_or_skip;
use crate::vulkan::loader::messages_with;

#[test]
fn spans_are_aligned_outwards() {
    assert_eq!(span(8192, 4096, 4096), Some((8192, 4096)));
    assert_eq!(span(8191, 2, 4096), Some((4096, 8192)));
    assert_eq!(span(8193, 4095, 4096), Some((8192, 4096)));
    assert_eq!(span(5, 7, 0), Some((5, 7)));
    assert_eq!(span(8192, 0, 4096), None);
    assert_eq!(span(u64::MAX - 4095, 4095, 4096), None, "the end is no address");
    assert_eq!(span(u64::MAX, 2, 4096), None);
}

#[test]
fn cached_and_coherent_types_first() {
    use vk::MemoryPropertyFlags as Flags;
    let mut properties = vk::PhysicalDeviceMemoryProperties { memory_type_count: 5, ..Default::default() };
    let cached = MAPPABLE | Flags::HOST_CACHED;
    let all = [Flags::DEVICE_LOCAL, MAPPABLE, cached | Flags::DEVICE_UNCACHED_AMD, cached, Flags::HOST_VISIBLE | Flags::HOST_CACHED];
    for (entry, property_flags) in properties.memory_types.iter_mut().zip(all) {
        entry.property_flags = property_flags;
    }
    assert_eq!(best_type(&properties, u32::MAX), Some(3));
    assert_eq!(best_type(&properties, 0b10111), Some(1));
    assert_eq!(best_type(&properties, 0b10101), None);
    assert_eq!(best_type(&properties, 0), None);
}

/// Imports `size` bytes that start at offset `first` of a vector, calls `look` with the result, and frees everything.
fn import(device: &Arc<Device>, first: usize, size: usize, look: impl FnOnce(Result<&Imported>)) {
    let bytes = Box::into_raw(vec![MaybeUninit::new(7u8); first + size].into_boxed_slice());
    {
        // SAFETY: the vector lives until its box is remade below, and no other code refers to it while the import exists.
        let pages: &'static mut [MaybeUninit<u8>] = unsafe { &mut *bytes };
        let imported = Imported::new(device, &mut pages[first..]);
        look(imported.as_ref().map_err(Clone::clone));
    }
    // SAFETY: it came from `into_raw`; the import, whose reference is the only other one, has ended.
    let bytes = unsafe { Box::from_raw(bytes) };
    // SAFETY: every byte was written above, and the driver copies nothing by itself.
    assert!(bytes.iter().all(|byte| unsafe { byte.assume_init() } == 7));
}

#[test]
fn pages_are_imported_where_the_device_can() {
    for validation in [false, true] {
        let Some(instance) = instance_or_skip(validation) else { continue };
        for snapshot in instance.snapshots().unwrap().iter().filter(|s| s.usable.is_ok()) {
            let device = Arc::new(Device::open(Arc::clone(&instance), snapshot, false, 1).unwrap());
            if !device.features().external_memory_host {
                eprintln!("skipped: \"{}\" has no VK_EXT_external_memory_host", snapshot.name);
            }
            for (first, size) in [(0, 1), (1, 4095), (4095, 2), (100, 1 << 20)] {
                import(&device, first, size, |imported| match imported {
                    Ok(imported) => {
                        let (all, end) = (imported.slice(0, size as u64), imported.slice(size as u64 - 1, 1));
                        assert!(all.offset < snapshot.host_pointer_alignment && all.size == size as u64);
                        assert_eq!((end.buffer, end.offset, end.size), (all.buffer, all.offset + size as u64 - 1, 1));
                    }
                    Err(error) => {
                        assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
                        assert!(!device.features().external_memory_host || error.message.contains("driver"), "{error}");
                        eprintln!("\"{}\", {size} bytes: {error}", snapshot.name);
                    }
                });
            }
        }
    }
    for part in ["HostPointer", "vkAllocateMemory", "vkBindBufferMemory", "vkCreateBuffer", "vkFreeMemory", "vkDestroyBuffer"] {
        let mut messages = messages_with(part);
        // The tests of devices create a buffer with no usage, to check that the validation layer reports it.
        messages.retain(|(_, text)| text.contains("VUID") && !text.contains("VUID-VkBufferCreateInfo-usage-requiredbitmask"));
        assert_eq!(messages, []);
    }
}

#[test]
fn without_the_extension_it_is_an_error_that_names_it() {
    let Some(instance) = instance_or_skip(false) else { return };
    for snapshot in instance.snapshots().unwrap().iter().filter(|s| s.usable.is_ok()) {
        let device = Arc::new(Device::open(Arc::clone(&instance), snapshot, true, 1).unwrap());
        import(&device, 0, 4096, |imported| {
            let error = imported.err().expect("nothing is on");
            assert!(error.kind == ErrorKind::Unsupported && error.message.contains("VK_EXT_external_memory_host"), "{error}");
        });
    }
}
