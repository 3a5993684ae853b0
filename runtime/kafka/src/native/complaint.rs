//! What a client of the library said on its way to a failure.

use std::ffi::CStr;

use rdkafka::bindings as sys;

/// The least grave level of syslog that counts as a complaint: a warning.
const WARNING: i32 = 4;

/// The last complaint among the events that wait in a client's main queue, which is empty after. The
/// library tells the calls that time out nothing of why, such as a certificate that it does not trust.
///
/// # Safety
/// The client is alive, and nobody else polls its main queue.
pub(crate) unsafe fn last_complaint(client: *mut sys::rd_kafka_t) -> Option<String> {
    let mut last = None;
    // SAFETY: the client is alive. The queue and each event are ours, and given back once; texts are
    // terminated, and copied while their event lives.
    unsafe {
        let queue = sys::rd_kafka_queue_get_main(client);
        loop {
            let event = sys::rd_kafka_queue_poll(queue, 0);
            if event.is_null() {
                break;
            }
            let (mut facility, mut text, mut level) = (std::ptr::null(), std::ptr::null(), 0);
            let is_complaint = match sys::rd_kafka_event_type(event) {
                sys::RD_KAFKA_EVENT_LOG => {
                    let code = sys::rd_kafka_event_log(event, &mut facility, &mut text, &mut level);
                    code == 0 && level <= WARNING
                }
                sys::RD_KAFKA_EVENT_ERROR => {
                    text = sys::rd_kafka_event_error_string(event);
                    true
                }
                _ => false,
            };
            if is_complaint && !text.is_null() {
                last = Some(CStr::from_ptr(text).to_string_lossy().into_owned());
            }
            sys::rd_kafka_event_destroy(event);
        }
        sys::rd_kafka_queue_destroy(queue);
    }
    last
}
