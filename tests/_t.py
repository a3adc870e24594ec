import asyncio, time, statistics, cProfile, pstats, tempfile
from pathlib import Path
from tests.benchmarks.ledger import *
from llm7router.state.cells import dumps, loads
from llm7router.state.store.redis_scripts import *
from llm7router.state.store import redis_client
async def main():
    with RedisServer() as server, tempfile.TemporaryDirectory() as t:
        redis, disk, mem = RedisStore(server.url("b")), DiskStore(Path(t)/"s"), MemoryStore()
        for s in (redis, disk, mem): await lived_in(s)
        cells = redis.read_now(); print(keys(model()), list(cells))
        cell = cells["alpha@0/one"]; text = dumps(cell); print(len(text))
        T=lambda f,n=300: min(median_us(f,9,n) for _ in range(2))
        print("dumps", T(lambda: dumps(cell)), "loads", T(lambda: loads(text)))
        d=model(); charges=demand.charges(REQUEST,d,900); clock=SystemClock(); now=clock.now()
        print("charges", T(lambda: demand.charges(REQUEST,d,900)))
        print("reserve", T(lambda: quota.reserve(cells,d,charges,id="r",now=now,expires_at=now+60)))
        r,w=quota.reserve(cells,d,charges,id="r",now=now,expires_at=now+60)
        actual={c: demand.actual(c,d,100,400) for c in r.charged}
        print("settle", T(lambda: quota.settle({**cells,**w},r,OUTCOME,actual.get,now,.5)))
        c=redis._client
        print("ping", T(c.ping), "get small", T(lambda: c.hget("x","y")))
        print("evalsha read", T(lambda: redis_client.run(c, READ, redis._sha[READ], redis._address.key, [redis._seq])))
        name=[0]
        def swap(text=text):
            name[0]+=1
            a=swap_arguments(f"n{name[0]:07}", .02, keys(d), redis._seen, {"alpha@0/one": text})
            r=redis._run_script(SWAP,a)
            if r[0]=="done": redis._seen["alpha@0/one"]=Held(r[2],cell)
            else: print(r[:2]); 
        swap(); print("swap 4k", T(swap)); print("swap 10b", T(lambda: swap('{"v":1}')))
        swap(text)
        print("swap compare", T(lambda: redis._run_script(SWAP, swap_arguments("zzzzzzzz", .02, keys(d), redis._seen, {}))))
        redis.read_now()
        print("inside redis", inside_us(redis,9,100), "disk", inside_us(disk,9,100))
        print("mem awaited", await awaited_us(mem, 9, 300))
        p=cProfile.Profile(); 
        def work(): p.enable(); 
        disk._submit(lambda: None).result()
        def prof():
            p=cProfile.Profile(); p.enable()
            now=time.time()
            for _ in range(200):
                res,_=disk._mutate(keys(d), lambda cells: quota.reserve(cells,d,charges,id="r",now=now,expires_at=now+60))
                disk._mutate(keys(d), lambda cells: (None, quota.settle(cells,res,OUTCOME,actual.get,now,.5)))
            p.disable(); pstats.Stats(p).sort_stats("tottime").print_stats(18)
        disk._submit(prof).result()
        redis.close(); disk.close()
asyncio.run(main())
