-- Says what this user may not do that a writer of this host does. It carries nothing out.
--
-- KEYS  1 stream  2 cursor  3 fence
-- reply what is missing, each as the command and its key; nothing where the server cannot tell (before 7.0)
local may = redis.acl_check_cmd
if not may then return {} end
local missing = {}
local function need(...)
  if not may(...) then missing[#missing + 1] = select(1, ...) .. ' ' .. select(2, ...) end
end
need('XLEN', KEYS[1])
need('XADD', KEYS[1], '*', 'field', 'entry')
for i = 2, 3 do
  need('GET', KEYS[i])
  need('SET', KEYS[i], 'value')
end
return missing
