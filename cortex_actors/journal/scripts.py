"""What is done in Redis at once, with nobody in between: scripts in Lua.

Keys of a stream, in this order, in one slot of a cluster:

    head      hash: token, owner, question, end, released, cancel
    events    stream: entry `epoch-number` with the field `r`, the record
    lease     text: the instance that runs it; it expires unless it is renewed
    gone      text: the owner, for a while longer than everything else

The token is the fence: an instance that was stopped, and whose stream another one took over, has an old one,
and nothing that it still writes gets in.
"""

from __future__ import annotations

#: token, instance, lease ms, keep ms, owner, question -> token in force
OPEN = """
local token = redis.call('HGET', KEYS[1], 'token')
if token then return token end
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'owner', ARGV[5], 'question', ARGV[6])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
return ARGV[1]
"""

#: token, instance, lease ms, keep ms, gone ms, oldest id, oldest number, epoch, number, final, record*
#: -> outcome, last number, cancel
APPEND = """
local token = redis.call('HGET', KEYS[1], 'token')
if not token then return {'unknown', 0, 0} end
if token ~= ARGV[1] then return {'lost', 0, 0} end
local last, number = 0, tonumber(ARGV[9])
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
if newest then last = tonumber(string.match(newest[1], '%d+$')) end
if number > last + 1 then
  if number > tonumber(ARGV[7]) then return {'behind', last, 0} end
  redis.call('DEL', KEYS[2])
  last = number - 1
end
for i = 11, #ARGV do
  if number > last then
    redis.call('XADD', KEYS[2], ARGV[8] .. '-' .. number, 'r', ARGV[i])
    last = number
  end
  number = number + 1
end
redis.call('XTRIM', KEYS[2], 'MINID', ARGV[6])
if ARGV[10] == '1' then
  redis.call('HSET', KEYS[1], 'end', last)
  redis.call('HDEL', KEYS[1], 'question')
  redis.call('DEL', KEYS[3])
  redis.call('SET', KEYS[4], redis.call('HGET', KEYS[1], 'owner'), 'PX', ARGV[5])
else
  redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return {'written', last, redis.call('HEXISTS', KEYS[1], 'cancel')}
"""

#: -> token, owner, ended, leased, released, seconds, microseconds; or the owner of what is gone
LOOK = """
local head = redis.call('HMGET', KEYS[1], 'token', 'owner', 'end', 'released')
if not head[1] then return {redis.call('GET', KEYS[4])} end
local time, leased = redis.call('TIME'), redis.call('EXISTS', KEYS[3])
return {head[1], head[2], head[3] and 1 or 0, leased, head[4] and 1 or 0, time[1], time[2]}
"""

#: token seen, instance, lease ms, keep ms, latest time in microseconds -> token, question, cancel
TAKE_OVER = """
local time = redis.call('TIME')
if time[1] * 1000000 + time[2] > tonumber(ARGV[5]) then return {} end
local head = redis.call('HMGET', KEYS[1], 'token', 'end', 'question')
if head[1] ~= ARGV[1] or head[2] or redis.call('EXISTS', KEYS[3]) == 1 then return {} end
local token = redis.call('HINCRBY', KEYS[1], 'token', 1)
redis.call('HDEL', KEYS[1], 'released')
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return {token, head[3] or '', redis.call('HEXISTS', KEYS[1], 'cancel')}
"""

#: token -> 1 when it was ours to give up
RELEASE = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'released', 1)
redis.call('DEL', KEYS[3])
return 1
"""

#: -> 1 when there is a running stream to cancel
CANCEL = """
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HEXISTS', KEYS[1], 'end') == 1 then return 0 end
redis.call('HSET', KEYS[1], 'cancel', 1)
return 1
"""

ALL = (OPEN, APPEND, LOOK, TAKE_OVER, RELEASE, CANCEL)
