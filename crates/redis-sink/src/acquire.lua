-- Becomes the one writer of a host.
--
-- KEYS  1 stream  2 cursor  3 fence  4 the cursor's name at the origin ingester (only where it differs)
-- ARGV  1 this writer  2 what the names of our writers begin with  3 'take' from anybody, or only 'keep'
-- reply {code, cursor or nil, stream length, fence, whether the origin's cursor was adopted}
--       code 1: held; -1: somebody else holds it
local length = redis.call('XLEN', KEYS[1])
local cursor = redis.call('GET', KEYS[2])
local held = redis.call('GET', KEYS[3]) or ''
local epoch, holder = string.match(held, '^(%d+):(.*)$')
local ours = held == '' or string.sub(holder or held, 1, #ARGV[2]) == ARGV[2]
if ARGV[3] == 'keep' and not ours then return {-1, cursor, length, held, 0} end
local adopted = 0
if not cursor and KEYS[4] then
  cursor = redis.call('GET', KEYS[4])
  if cursor then
    redis.call('SET', KEYS[2], cursor)
    adopted = 1
  end
end
local fence = string.format('%.0f', (tonumber(epoch) or 0) + 1) .. ':' .. ARGV[1]
redis.call('SET', KEYS[3], fence)
return {1, cursor, length, fence, adopted}
