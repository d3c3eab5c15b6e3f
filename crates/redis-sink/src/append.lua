-- Appends a batch and moves the cursor, if the batch follows what is stored.
--
-- KEYS  1 stream  2 cursor  3 fence
-- ARGV  1 fence as acquired  2 cursor that must be stored ('' = none)  3 cursor to store
--       4 high-water mark  5 field  6.. entries
-- reply {code, cursor, stream length, fence}
--       code 1: applied; 2: applied by an earlier call; -1: fenced; -2: another cursor is stored; -3: full
local fence = redis.call('GET', KEYS[3]) or ''
local cursor = redis.call('GET', KEYS[2]) or ''
local length = redis.call('XLEN', KEYS[1])
if fence ~= ARGV[1] then return {-1, cursor, length, fence} end
if cursor ~= ARGV[2] then
  if cursor == ARGV[3] then return {2, cursor, length, fence} end
  return {-2, cursor, length, fence}
end
-- A batch without entries is never refused for fullness: filtered stretches move the cursor.
if #ARGV > 5 and length >= tonumber(ARGV[4]) then return {-3, cursor, length, fence} end
for i = 6, #ARGV do redis.call('XADD', KEYS[1], '*', ARGV[5], ARGV[i]) end
redis.call('SET', KEYS[2], ARGV[3])
return {1, ARGV[3], length + #ARGV - 5, fence}
