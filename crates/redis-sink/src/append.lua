-- Appends a batch and moves the cursor, if the batch follows what is stored.
--
-- KEYS  1 stream  2 cursor  3 fence  4.. cursors beside
-- ARGV  1 fence as acquired  2 cursor that must be stored ('' = none)  3 cursor to store
--       4 high-water mark  5 field  6.. for each cursor beside: what must be stored, what to store; then entries
-- reply {code, cursor, stream length, fence}
--       code 1: applied; 2: applied by an earlier call; -1: fenced; -2: another cursor is stored; -3: full;
--       -4: another one is stored beside, under the key in the cursor's place
local fence = redis.call('GET', KEYS[3]) or ''
local cursor = redis.call('GET', KEYS[2]) or ''
local length = redis.call('XLEN', KEYS[1])
if fence ~= ARGV[1] then return {-1, cursor, length, fence} end
if cursor ~= ARGV[2] then
  if cursor == ARGV[3] then return {2, cursor, length, fence} end
  return {-2, cursor, length, fence}
end
for i = 4, #KEYS do
  if (redis.call('GET', KEYS[i]) or '') ~= ARGV[2 * i - 2] then return {-4, KEYS[i], length, fence} end
end
local last = 2 * #KEYS - 1
-- A batch without entries is never refused for fullness: filtered stretches move the cursor.
if #ARGV > last and length >= tonumber(ARGV[4]) then return {-3, cursor, length, fence} end
for i = last + 1, #ARGV do redis.call('XADD', KEYS[1], '*', ARGV[5], ARGV[i]) end
for i = 4, #KEYS do redis.call('SET', KEYS[i], ARGV[2 * i - 1]) end
redis.call('SET', KEYS[2], ARGV[3])
return {1, ARGV[3], length + #ARGV - last, fence}
