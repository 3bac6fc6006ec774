"""Tests of `cortex_actors.coordinator`: streams of a library, against real servers on 127.0.0.1.

What streaming coordinators get wrong, and where it is shown that this one does not:

    it never completes                            test_streams: iterated and called back to the end
    options are taken and ignored                 test_options: each with each dialect; test_streams: on_error
    metrics are always zero                       test_options: real numbers, each second, and once at the end
    buffers delay and never merge, tails are lost test_options, test_streams: every dialect, buffered
    recovery crashes, or makes another stream     test_recovery: one stream, one id, so many retries
    a loop over it never ends; no cancel          test_streams: plain loops, cancelled
    errors are text, finishes are made up         test_streams: an honest end
    cuts fall into characters, words come twice   test_recovery: cut at every word, in several scripts
    two lists of what can be recovered            test_recovery: one list
    keys in errors, logs and statuses             test_streams: secrets
    a broken stream counts as fine                test_streams: truncations, errors inside of streams
    split, CRLF, comments, unterminated lines     test_streams: how the bytes travel
    chunks vanish under load                      test_flow
    retries deliver chunks twice                  test_streams: one request; test_recovery: every word once
    everything goes through one parser            test_streams: every dialect by its own
    thoughts in the text, no calls, no usage      test_streams: told apart
"""
