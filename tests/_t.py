import asyncio, time, json
from tests.benchmarks.ledger import *
from llm7router.state import cells as C
from llm7router.state.store import redis as R, disk as D
from llm7router.state.store.redis_scripts import *
from llm7router.state.store import redis_client
enc=json.JSONEncoder(separators=(",",":"),allow_nan=False).encode
def wd(w): return [list(w.slices), list(w.slices.values()), w.pace,w.pace_at,w.cap,w.cap_at,w.said]
def hd(h): return [h.successes,h.failures,h.at,h.in_a_row,h.trips,h.tripped_at,h.open_until,h.probe_until]
def ld(l): return [l.first_token_s,l.per_token_s,l.at]
def fast(cell):
    data={"v":1}
    if cell.windows: data["windows"]={n:wd(w) for n,w in cell.windows.items()}
    if cell.leases: data["leases"]=dict(cell.leases)
    if cell.block: data["block"]=[cell.block.until,cell.block.reason,0]
    if cell.streak: data["streak"]=cell.streak
    if cell.health is not C.FRESH: data["health"]=hd(cell.health)
    if cell.latency is not C.UNMEASURED: data["latency"]=ld(cell.latency)
    return enc(data)
async def main():
    with RedisServer("--appendonly","no") as server, tempfile.TemporaryDirectory() as t:
        for dumps in (C.dumps, fast):
            R.dumps=D.dumps=C.dumps
            redis, disk = RedisStore(server.url()), DiskStore(Path(t)/dumps.__name__)
            for s in (redis,disk): await lived_in(s)
            inside_us(disk,2,20); inside_us(redis,2,20)
            cell=redis.read_now()["alpha@0/one"]
            R.dumps=D.dumps=dumps
            T=lambda f,n=200: median_us(f,9,n)
            d=model(); c=redis._client
            seen=dict(redis._seen); 
            name=[0]; text=C.dumps(cell)
            def swap():
                name[0]+=1
                a=swap_arguments(f"n{name[0]:07}", .02, keys(d), redis._seen, {"alpha@0/one": text})
                o,s,v,_=redis._run_script(SWAP,a)
                assert o=="done"; redis._seen["alpha@0/one"]=Held(v,cell)
            print(dumps.__name__, "dumps", T(lambda: dumps(cell)), "ping", T(c.ping), "swap", T(swap))
            ps,ins=[],[]
            for _ in range(15):
                ps.append(redis._submit(lambda: median_us(c.ping,1,100)).result()); ins.append(inside_us(redis,1,100))
            print("redis", statistics.median(ins), statistics.median(ps), statistics.median(a/b for a,b in zip(ins,ps)), "disk", inside_us(disk,9,100))
            redis.close(); disk.close()
asyncio.run(main())
